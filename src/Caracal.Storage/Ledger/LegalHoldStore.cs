using Dapper;

namespace Caracal.Storage.Ledger;

/// <summary>Events of a time, of one zone or of all, that must not be removed.</summary>
public sealed record LegalHold
{
    public required string Id { get; init; }

    /// <summary>Null holds every zone.</summary>
    public string? HeldZoneId { get; init; }
    public required DateTimeOffset HeldFrom { get; init; }
    public required DateTimeOffset HeldUntil { get; init; }
    public required string Reason { get; init; }
    public required string PlacedBy { get; init; }
    public required DateTimeOffset PlacedAt { get; init; }

    /// <summary>Null while it holds.</summary>
    public DateTimeOffset? ReleasedAt { get; init; }
}

/// <summary>Legal holds; released ones stay, as the record of what was held.</summary>
/// <param name="database">The store of the Audit service.</param>
public sealed class LegalHoldStore(Database database)
{
    private const string Columns = "id, held_zone_id, held_from, held_until, reason, placed_by, placed_at, released_at";

    /// <summary>Places a hold; what is being removed at this moment is waited for, so it holds for everything that is still there.</summary>
    public Task PlaceAsync(LegalHold hold, CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        async work =>
        {
            await work.LockAsync(LedgerRetention.Months);
            return await work.Connection.ExecuteAsync(
                $"INSERT INTO audit_legal_holds ({Columns}) VALUES (@Id, @HeldZoneId, @HeldFrom, @HeldUntil, @Reason, @PlacedBy, @PlacedAt, NULL)", hold);
        },
        cancellationToken);

    /// <summary>Releases a hold; false when there is none of this id that holds.</summary>
    public async Task<bool> ReleaseAsync(string id, DateTimeOffset now, CancellationToken cancellationToken) => await database.WriteAsync(
        WriteKind.Bookkeeping,
        work => work.Connection.ExecuteAsync("UPDATE audit_legal_holds SET released_at = @now WHERE id = @id AND released_at IS NULL", new { id, now }),
        cancellationToken) == 1;

    /// <summary>Every hold, newest first.</summary>
    public Task<IReadOnlyList<LegalHold>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<LegalHold>>(
        async connection => [.. await connection.QueryAsync<LegalHold>($"SELECT {Columns} FROM audit_legal_holds ORDER BY placed_at DESC, id")], cancellationToken);
}
