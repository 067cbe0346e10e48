using System.Collections.Immutable;
using Caracal.Evidence.Ledger;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>What policy saw, kept beside the ledger for replays and for a time of its own.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class PolicyInputStore(Database database)
{
    /// <summary>Rows of one transaction: the embedded engine's single writer must soon be free.</summary>
    private const int ChunkSize = 1000;

    private static readonly ImmutableArray<BulkColumn> Columns =
        [new("zone_id", BulkType.Text), new("chain_seq", BulkType.Number), new("input", BulkType.Text), new("kept_since", BulkType.Time)];

    /// <summary>Keeps the inputs of rows that are appended in the same work.</summary>
    public async Task KeepAsync(Work work, IReadOnlyList<LedgerRow> rows)
    {
        List<object?[]> inputs = [.. rows.Where(row => row.Entry.PolicyInput is not null).Select(row => (object?[])[row.Entry.ZoneId, row.ChainSeq, row.Entry.PolicyInput, row.IngestedAt])];
        if (inputs.Count > 0) await database.Dialect.InsertManyAsync(work.Connection, new BulkInsert("INSERT INTO policy_inputs", Columns, inputs));
    }

    /// <summary>Removes what was kept since before a time and no legal hold lies on; returns how many rows went.</summary>
    public async Task<long> DropAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var removed = 0L;
        var zones = await database.ReadAsync(connection => connection.QueryAsync<string>("SELECT zone_id FROM audit_chain_heads ORDER BY zone_id"), cancellationToken);
        foreach (var zone in zones) removed += await DropAsync(zone, before, cancellationToken);
        return removed;
    }

    // Along the chain, so that it needs no index by time: what came later was kept later.
    private async Task<long> DropAsync(string zone, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var removed = 0L;
        for (var after = 0L; ;)
        {
            var rows = await database.ReadAsync(
                async connection => (await connection.QueryAsync<long>(
                    "SELECT chain_seq FROM policy_inputs WHERE zone_id = @zone AND chain_seq > @after AND kept_since < @before ORDER BY chain_seq LIMIT @limit",
                    new { zone, after, before, limit = ChunkSize })).AsList(),
                cancellationToken);
            if (rows.Count == 0) return removed;
            var part = new { zone, before, first = rows[0], last = rows[^1] };
            removed += await database.WriteAsync(
                WriteKind.Bookkeeping,
                work => work.Connection.ExecuteAsync(
                    """
                    DELETE FROM policy_inputs WHERE zone_id = @zone AND chain_seq >= @first AND chain_seq <= @last AND kept_since < @before
                        AND NOT EXISTS (SELECT 1 FROM audit_legal_holds h WHERE h.released_at IS NULL AND (h.held_zone_id IS NULL OR h.held_zone_id = policy_inputs.zone_id)
                            AND h.held_from <= policy_inputs.kept_since AND h.held_until > policy_inputs.kept_since)
                    """,
                    part),
                cancellationToken);
            after = rows[^1];
        }
    }
}
