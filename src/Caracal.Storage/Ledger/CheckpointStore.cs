using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Evidence.Checkpoints;
using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>A signed checkpoint as it is stored.</summary>
public sealed record StoredCheckpoint
{
    public required string ZoneId { get; init; }

    /// <summary>Sequence number of the last row it covers.</summary>
    public required long TreeSize { get; init; }

    /// <summary>Base64, as in the note.</summary>
    public required string RootHash { get; init; }

    /// <summary>The note, signed by the log alone.</summary>
    public required string Note { get; init; }

    /// <summary>The right edge of the tree at this size (<see cref="TreeFrontier.Export"/>).</summary>
    public required string Frontier { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What somebody else says of a checkpoint: a witness's signature line, or a time-stamp.</summary>
/// <param name="Kind"><see cref="CheckpointStore.Cosignature"/> or <see cref="CheckpointStore.TimeStamp"/>.</param>
/// <param name="Source">Name of the witness, or address of the time-stamp authority.</param>
/// <param name="TreeSize">The checkpoint.</param>
/// <param name="Body">The signature line, or the token in base64.</param>
public sealed record CheckpointProof(string Kind, string Source, long TreeSize, string Body);

/// <summary>Signed checkpoints of the zones' trees, the nodes that proofs need, and what witnesses said. Append only.</summary>
/// <param name="database">The store.</param>
public sealed class CheckpointStore(Database database)
{
    public const string Cosignature = "cosignature";
    public const string TimeStamp = "rfc3161";

    /// <summary>One replica makes checkpoints at a time.</summary>
    private static readonly AdvisoryLock Leader = AdvisoryLock.Job(0x4341524130303038);

    private const string Columns = "zone_id, tree_size, root_hash, note, frontier, created_at";

    private static readonly ImmutableArray<BulkColumn> NodeColumns =
        [new("zone_id", BulkType.Text), new("level", BulkType.Number), new("position", BulkType.Number), new("hash", BulkType.Text)];

    /// <summary>Where each zone's chain ends, and the size of its last checkpoint, 0 before the first.</summary>
    public Task<IReadOnlyList<(string ZoneId, long Head, long Checkpoint)>> HeadsAsync(CancellationToken cancellationToken) =>
        database.ReadSettledAsync<IReadOnlyList<(string, long, long)>>(
            async connection =>
            [
                .. await connection.QueryAsync<(string, long, long)>(
                    """
                    SELECT h.zone_id, h.chain_seq,
                        coalesce((SELECT max(c.tree_size) FROM audit_checkpoints c WHERE c.zone_id = h.zone_id), 0)
                    FROM audit_chain_heads h ORDER BY h.zone_id
                    """),
            ],
            cancellationToken);

    /// <summary>The zone's last checkpoint, or the one of a size; null when there is none.</summary>
    public Task<StoredCheckpoint?> FindAsync(string zoneId, long? size, CancellationToken cancellationToken) => database.ReadSettledAsync(
        connection => connection.QueryFirstOrDefaultAsync<StoredCheckpoint>(
            $"SELECT {Columns} FROM audit_checkpoints WHERE zone_id = @zoneId {(size is null ? "" : "AND tree_size = @size")} ORDER BY tree_size DESC LIMIT 1",
            new { zoneId, size }),
        cancellationToken);

    /// <summary>The zone's last checkpoint of at most a size; null when there is none.</summary>
    public Task<StoredCheckpoint?> LastUpToAsync(string zoneId, long size, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<StoredCheckpoint>(
            $"SELECT {Columns} FROM audit_checkpoints WHERE zone_id = @zoneId AND tree_size <= @size ORDER BY tree_size DESC LIMIT 1", new { zoneId, size }),
        cancellationToken);

    /// <summary>The zone's checkpoints after a size, smallest first.</summary>
    public Task<IReadOnlyList<StoredCheckpoint>> AfterAsync(string zoneId, long size, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<StoredCheckpoint>>(
            async connection =>
            [
                .. await connection.QueryAsync<StoredCheckpoint>(
                    $"SELECT {Columns} FROM audit_checkpoints WHERE zone_id = @zoneId AND tree_size > @size ORDER BY tree_size LIMIT @limit",
                    new { zoneId, size, limit }),
            ],
            cancellationToken);

    /// <summary>The content hashes of the rows after a sequence number, in order and without a gap; shorter where one is missing.</summary>
    public Task<IReadOnlyList<string>> ContentsAsync(string zoneId, long afterSeq, int limit, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(connection => ContentsAsync(connection, zoneId, afterSeq, limit), cancellationToken);

    /// <summary>True when the ledger holds every row from one sequence number to another, and the last has this content.</summary>
    public Task<bool> HoldsAsync(string zoneId, long first, long last, string content, CancellationToken cancellationToken) => database.ReadSettledAsync(
        async connection => await connection.ExecuteScalarAsync<long>(
            """
            SELECT count(*) FROM audit_events WHERE zone_id = @zoneId AND chain_seq >= @first AND chain_seq <= @last
            AND EXISTS (SELECT 1 FROM audit_events e WHERE e.zone_id = @zoneId AND e.chain_seq = @last AND e.content_sha256 = @content)
            """,
            new { zoneId, first, last, content }) == last - first + 1,
        cancellationToken);

    /// <summary>Stored subtree hashes; shorter where one is missing.</summary>
    public Task<IReadOnlyList<string>> NodesAsync(string zoneId, int level, long first, int count, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async connection =>
            [
                .. await connection.QueryAsync<string>(
                    """
                    SELECT hash FROM audit_tree_nodes
                    WHERE zone_id = @zoneId AND level = @level AND position >= @first AND position < @first + @count ORDER BY position
                    """,
                    new { zoneId, level, first, count }),
            ],
            cancellationToken);

    /// <summary>Appends a checkpoint and its new nodes; false when another replica is at it or has made this size.</summary>
    public Task<bool> AppendAsync(StoredCheckpoint checkpoint, long previousSize, IReadOnlyList<TreeNode> nodes, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                if (!await work.TryLockAsync(Leader)) return false;
                var last = await work.Connection.ExecuteScalarAsync<long?>(
                    "SELECT max(tree_size) FROM audit_checkpoints WHERE zone_id = @ZoneId", new { checkpoint.ZoneId });
                if ((last ?? 0) != previousSize) return false;
                await work.Connection.ExecuteAsync(
                    $"INSERT INTO audit_checkpoints ({Columns}) VALUES (@ZoneId, @TreeSize, @RootHash, @Note, @Frontier, @CreatedAt)",
                    checkpoint);
                if (nodes.Count > 0)
                {
                    await work.Dialect.InsertManyAsync(work.Connection, new BulkInsert(
                        "INSERT INTO audit_tree_nodes", NodeColumns,
                        [.. nodes.Select(node => new object?[] { checkpoint.ZoneId, (long)node.Level, node.Position, Convert.ToBase64String(node.Hash) })]));
                }

                return true;
            },
            cancellationToken);

    /// <summary>Keeps what somebody says of a checkpoint; the first of a source stays.</summary>
    public Task AppendProofAsync(string zoneId, CheckpointProof proof, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        work => work.Connection.ExecuteAsync(
            """
            INSERT INTO audit_checkpoint_proofs (zone_id, tree_size, kind, source, body, created_at)
            VALUES (@zoneId, @TreeSize, @Kind, @Source, @Body, @now)
            ON CONFLICT (zone_id, tree_size, kind, source) DO NOTHING
            """,
            new { zoneId, proof.TreeSize, proof.Kind, proof.Source, proof.Body, now }),
        cancellationToken);

    /// <summary>What was said of a checkpoint.</summary>
    public Task<IReadOnlyList<CheckpointProof>> ProofsAsync(string zoneId, long size, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<CheckpointProof>>(
            async connection =>
            [
                .. await connection.QueryAsync<CheckpointProof>(
                    "SELECT kind, source, tree_size, body FROM audit_checkpoint_proofs WHERE zone_id = @zoneId AND tree_size = @size ORDER BY kind, source",
                    new { zoneId, size }),
            ],
            cancellationToken);

    /// <summary>The time-stamp of the largest checkpoint that has one, or of the one of a size.</summary>
    public Task<CheckpointProof?> LastTimeStampAsync(string zoneId, long? size, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<CheckpointProof>(
            $"""
             SELECT kind, source, tree_size, body FROM audit_checkpoint_proofs
             WHERE zone_id = @zoneId AND kind = '{TimeStamp}' {(size is null ? "" : "AND tree_size = @size")} ORDER BY tree_size DESC, source LIMIT 1
             """,
            new { zoneId, size }),
        cancellationToken);

    /// <summary>The zone's time-stamps of checkpoints larger than a size and of at most another, smallest first.</summary>
    public Task<IReadOnlyList<CheckpointProof>> TimeStampsAsync(string zoneId, long after, long upTo, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<CheckpointProof>>(
            async connection =>
            [
                .. await connection.QueryAsync<CheckpointProof>(
                    $"""
                     SELECT kind, source, tree_size, body FROM audit_checkpoint_proofs
                     WHERE zone_id = @zoneId AND kind = '{TimeStamp}' AND tree_size > @after AND tree_size <= @upTo ORDER BY tree_size, source
                     """,
                    new { zoneId, after, upTo }),
            ],
            cancellationToken);

    /// <summary>The largest size a source has vouched for; 0 for none.</summary>
    public Task<long> LastProofAsync(string zoneId, string kind, string source, CancellationToken cancellationToken) => database.ReadAsync(
        async connection => await connection.ExecuteScalarAsync<long?>(
            "SELECT max(tree_size) FROM audit_checkpoint_proofs WHERE zone_id = @zoneId AND kind = @kind AND source = @source",
            new { zoneId, kind, source }) ?? 0,
        cancellationToken);

    /// <summary>The sequence number of an event; null when the zone has none of this id.</summary>
    public Task<long?> SequenceAsync(string zoneId, string eventId, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.ExecuteScalarAsync<long?>(
            "SELECT chain_seq FROM audit_events WHERE id = @eventId AND zone_id = @zoneId", new { eventId, zoneId }),
        cancellationToken);

    private static async Task<IReadOnlyList<string>> ContentsAsync(DbConnection connection, string zoneId, long afterSeq, int limit)
    {
        var rows = await connection.QueryAsync<(long Seq, string Content)>(
            "SELECT chain_seq, content_sha256 FROM audit_events WHERE zone_id = @zoneId AND chain_seq > @afterSeq ORDER BY chain_seq LIMIT @limit",
            new { zoneId, afterSeq, limit });
        return [.. rows.TakeWhile((row, index) => row.Seq == afterSeq + index + 1).Select(row => row.Content)];
    }
}
