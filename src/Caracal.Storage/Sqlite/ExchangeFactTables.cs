using System.Collections.Frozen;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// The tables that <see cref="TokenExchange.ExchangeFactsStore"/> reads. Who changes or removes a row of theirs changes what exchanges
/// may remember, whatever it calls itself (<see cref="WriteKind"/>). A new row was never read by anybody; a zone's counters, which
/// count from nothing, are only ever inserted by a statement that would raise them as well.
/// </summary>
internal static class ExchangeFactTables
{
    private static readonly FrozenSet<string> Tables =
        FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "authority_records", "sessions", "delegation_edges", "zone_versions", "delegation_graph_epochs");

    /// <param name="action">What SQLite calls it.</param>
    /// <param name="table">For which table; of other actions something else.</param>
    public static bool IsChange(int action, utf8z table) =>
        action is raw.SQLITE_UPDATE or raw.SQLITE_DELETE && Tables.Contains(table.utf8_to_string());
}
