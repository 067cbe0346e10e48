using System.Collections.Immutable;

namespace Caracal.Storage.Privileges;

/// <summary>Who may do what with one table.</summary>
/// <param name="Table">Name in schema <c>public</c>.</param>
/// <param name="Owner">The only service that touches the table itself.</param>
/// <param name="Rights">The owner's rights: letters of <c>SIUD</c>.</param>
/// <param name="Views">What the owner publishes to others.</param>
public sealed record TablePrivileges(string Table, ServiceRole Owner, string Rights, ImmutableArray<ViewPrivileges> Views);

/// <summary>
/// A view of the table's name in the reader's schema. A service that is not the owner sees these columns, and changes those
/// that are named for it, through this view and nowhere else (ruling 11, operations.md 7.2).
/// </summary>
/// <param name="Reader">The service.</param>
/// <param name="Select">Columns it reads.</param>
/// <param name="Insert">Columns it fills in new rows; empty when it may not insert.</param>
/// <param name="Update">Columns it changes; empty when it may not update.</param>
public sealed record ViewPrivileges(
    ServiceRole Reader, ImmutableArray<string> Select, ImmutableArray<string> Insert, ImmutableArray<string> Update)
{
    /// <summary>Every column of the view.</summary>
    public IEnumerable<string> Columns => Select.Concat(Insert).Concat(Update).Distinct(StringComparer.Ordinal);

    /// <summary>The letters of the matrix.</summary>
    public string Rights => (Select.IsEmpty ? "" : "S") + (Insert.IsEmpty ? "" : "I") + (Update.IsEmpty ? "" : "U");
}

/// <summary>A function some services may call; everyone else may not.</summary>
/// <param name="Signature">Name and argument types in schema <c>public</c>.</param>
/// <param name="Callers">The services.</param>
public sealed record FunctionPrivileges(string Signature, ImmutableArray<ServiceRole> Callers);
