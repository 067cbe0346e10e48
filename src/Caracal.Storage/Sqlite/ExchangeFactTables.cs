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
/// may remember, whatever it calls itself (<see cref="WriteKind"/>). A new row was never read by anybody; a zone's counters, which
/// count from nothing, are only ever inserted by a statement that would raise them as well.
/// </summary>
internal static class ExchangeFactTables
{
    private static readonly FrozenSet<string> Authority =
        FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "authority_records", "sessions", "delegation_edges", "delegation_graph_epochs");

    /// <param name="action">What SQLite calls it.</param>
    /// <param name="table">For which table; of other actions something else.</param>
    public static FactChange Of(int action, utf8z table)
    {
        if (action is not (raw.SQLITE_UPDATE or raw.SQLITE_DELETE))
        {
            return FactChange.None;
        }

        var name = table.utf8_to_string();
        return Authority.Contains(name) ? FactChange.Authority
            : string.Equals(name, "zone_versions", StringComparison.OrdinalIgnoreCase) ? FactChange.Configuration
            : FactChange.None;
    }

    /// <summary>The most that a work of this kind may change.</summary>
    public static FactChange MostOf(WriteKind kind) => kind switch
    {
        WriteKind.Authority => FactChange.Authority,
        WriteKind.Configuration => FactChange.Configuration,
        _ => FactChange.None,
    };
}
