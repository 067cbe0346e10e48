using System.Text.Json.Nodes;

namespace Caracal.ControlPlane.Control.DesiredState;

/// <summary>A kind of object a document may declare (control.md 6).</summary>
internal sealed record ObjectKind
{
    /// <summary>What a document calls it.</summary>
    public required string Name { get; init; }

    /// <summary>The noun whose scopes touching it needs.</summary>
    public required string Noun { get; init; }

    /// <summary>The collection in the API.</summary>
    public required string Collection { get; init; }

    /// <summary>The member of spec and row that tells objects apart.</summary>
    public required string IdentityField { get; init; }

    /// <summary>Pruned in ascending order, so that nothing goes before what refers to it.</summary>
    public required int PruneOrder { get; init; }

    /// <summary>The create body.</summary>
    public required Func<JsonObject, JsonObject> Create { get; init; }

    /// <summary>Names of what differs between spec and row, in a fixed order.</summary>
    public required Func<JsonObject, JsonObject, IReadOnlyList<string>> Drift { get; init; }

    /// <summary>Method, path below the row, and body of an update.</summary>
    public required Func<JsonObject, IReadOnlyList<string>, (string Method, string[] Below, JsonObject Body)> Update { get; init; }

    /// <summary>Whether a row takes part at all.</summary>
    public Func<JsonObject, bool> Counts { get; init; } = _ => true;

    /// <summary>Whether rows have to be read one by one, because the list does not show what is compared.</summary>
    public bool ReadsEach { get; init; }

    /// <summary>Whether a row belongs to somebody a document may not touch.</summary>
    public Func<JsonObject, bool> IsProtected { get; init; } = _ => false;
}
