using System.Collections.Frozen;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>What a statement changes of the rows that <see cref="TokenExchange.ExchangeFactsStore"/> reads; more includes less.</summary>
internal enum FactChange
{
    None = 0,

    /// <summary>A zone's version alone.</summary>
    Configuration,

    /// <summary>Somebody's authority.</summary>
    Authority,
}

/// <summary>
/// The tables that <see cref="TokenExchange.ExchangeFactsStore"/> reads. Who changes or removes a row of theirs changes what exchanges
/// may remember, whatever it calls itself (<see cref="WriteKind"/>). A new row was never read by anybody; that a zone has no
/// graph epoch is remembered as 0, so its first one is a change as well. A zone's version is only ever inserted by a statement that
/// would raise it too.
/// </summary>
internal static class ExchangeFactTables
{
    private const string Remembered = "delegation_graph_epochs";

    private static readonly FrozenDictionary<string, FactChange> Tables = new Dictionary<string, FactChange>
    {
        ["authority_records"] = FactChange.Authority,
        ["sessions"] = FactChange.Authority,
        ["delegation_edges"] = FactChange.Authority,
        [Remembered] = FactChange.Authority,
        ["zone_versions"] = FactChange.Configuration,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <param name="action">What SQLite calls it.</param>
    /// <param name="table">For which table; of other actions something else.</param>
    public static FactChange Of(int action, utf8z table)
    {
        if (action is not (raw.SQLITE_INSERT or raw.SQLITE_UPDATE or raw.SQLITE_DELETE))
        {
            return FactChange.None;
        }

        var name = table.utf8_to_string();
        return action == raw.SQLITE_INSERT && !name.Equals(Remembered, StringComparison.OrdinalIgnoreCase) ? FactChange.None : Tables.GetValueOrDefault(name);
    }

    /// <summary>The most that a work of this kind may change.</summary>
    public static FactChange MostOf(WriteKind kind) => kind switch
    {
        WriteKind.Authority => FactChange.Authority,
        WriteKind.Configuration => FactChange.Configuration,
        _ => FactChange.None,
    };
}
