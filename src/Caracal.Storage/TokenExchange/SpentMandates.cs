using System.Security.Cryptography;
using System.Text;
using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>
/// Which Gateway mandates were spent, where this process is all there is (sts.md B19). The rows of <c>used_mandates</c> follow
/// within moments; a process that ended without writing the last of them leaves a fence: every mandate from before counts
/// as spent.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="time">The clock that mandates are issued by.</param>
internal sealed class SpentMandates(Database database, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, HashSet<Guid>> _byMinute = [];
    private DateTimeOffset _fence;
    private bool _open;

    /// <summary>Learns what is spent; before the first mandate is issued.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var now = Instants.ToMicroseconds(time.GetUtcNow());
        var fence = await database.WriteAsync(
            WriteKind.Bookkeeping,

            // The last record of the process before us: a clock that was set back must not reopen its mandates.
            work => work.Connection.QuerySingleAsync<long>(
                """
                INSERT INTO mandate_fence (singleton, not_before, closed)
                VALUES (1, max(@now, coalesce((SELECT created_at FROM authority_records ORDER BY id DESC LIMIT 1), 0)), 0)
                ON CONFLICT (singleton) DO UPDATE
                    SET not_before = CASE WHEN closed = 1 THEN not_before ELSE excluded.not_before END, closed = 0
                RETURNING not_before
                """,
                new { now }),
            cancellationToken);
        var spent = await database.ReadAsync(connection => connection.QueryAsync<(string Jti, long Until)>(
            "SELECT jti, expires_at FROM used_mandates WHERE expires_at > @now", new { now }), cancellationToken);
        lock (_gate)
        {
            _fence = Instants.FromMicroseconds(fence);
            _open = true;
            foreach (var (jti, until) in spent)
            {
                Bucket(Instants.FromMicroseconds(until)).Add(Key(jti, default).Key);
            }
        }
    }

    /// <summary>Spends a mandate; false when it was spent before, or is from before the fence.</summary>
    /// <param name="jti">Its id.</param>
    /// <param name="issuedAt">When it was issued.</param>
    /// <param name="until">How long it could be presented; the same mandate always comes with the same one.</param>
    public bool TryAdd(string jti, DateTimeOffset issuedAt, DateTimeOffset until)
    {
        var (key, made) = Key(jti, issuedAt);
        lock (_gate)
        {
            return _open
                ? made > _fence && Bucket(until).Add(key)
                : throw new StorageUnavailableException("the store is not open for exchanges");
        }
    }

    /// <summary>Takes back what was not exchanged after all.</summary>
    public void Remove(string jti, DateTimeOffset until)
    {
        lock (_gate)
        {
            Bucket(until).Remove(Key(jti, until).Key);
        }
    }

    /// <summary>Forgets mandates whose life is over.</summary>
    public void Purge(DateTimeOffset now)
    {
        lock (_gate)
        {
            foreach (var minute in _byMinute.Keys.Where(minute => minute < now.ToUnixTimeSeconds() / 60).ToList())
            {
                _byMinute.Remove(minute);
            }
        }
    }

    /// <summary>Writes down that every spent mandate is written down; nothing can be spent afterwards.</summary>
    public async Task CloseAsync()
    {
        lock (_gate)
        {
            if (!_open)
            {
                return;
            }

            _open = false;
        }

        await database.WriteAsync(
            WriteKind.Bookkeeping, work => work.Connection.ExecuteAsync("UPDATE mandate_fence SET closed = 1"), CancellationToken.None);
    }

    private HashSet<Guid> Bucket(DateTimeOffset until)
    {
        var minute = until.ToUnixTimeSeconds() / 60;
        if (!_byMinute.TryGetValue(minute, out var bucket))
        {
            _byMinute[minute] = bucket = [];
        }

        return bucket;
    }

    // Ours are UUIDv7, which tell the millisecond; any other id is told apart by its digest and dated by its second.
    private static (Guid Key, DateTimeOffset Made) Key(string jti, DateTimeOffset issuedAt)
    {
        if (!Guid.TryParseExact(jti, "D", out var id))
        {
            return (new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(jti)).AsSpan(0, 16)), issuedAt);
        }

        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = (long)(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
        return (id, id.Version == 7 && milliseconds < MaximumMilliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : issuedAt);
    }

    private static readonly long MaximumMilliseconds = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
}
