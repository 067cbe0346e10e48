using Dapper;

namespace Caracal.Storage.Approvals;

/// <summary>Holds as the STS makes and reads them. Spending one happens where the authority record is inserted.</summary>
public sealed class HoldStore(Database database)
{
    private const string Columns =
        """
        id, zone_id, session_id, challenge_type, principal_id, application_id, tier, approver_class, privacy_mode,
        subject_anchor, resource_set_hash, created_at, expires_at, satisfied_at, rejected_at, consumed_at,
        consumed_authority_record_id, approver_subject_id, approver_session_id, metadata_json
        """;

    private const string Binding =
        "zone_id = @ZoneId AND principal_id = @PrincipalId AND session_id = @SessionId AND resource_set_hash = @ResourceSetHash";

    /// <summary>Inserts the hold, or returns the live one of the same binding; <c>Created</c> says which (sts.md 8.2).</summary>
    public Task<(Hold Hold, bool Created)> EnsureAsync(Hold hold, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work =>
            {
                await work.LockAsync($"hold:{hold.ZoneId}:{hold.PrincipalId}");
                await work.Connection.ExecuteAsync(
                    $"DELETE FROM step_up_challenges WHERE {Binding} AND consumed_at IS NULL AND expires_at <= @now",
                    new { hold.ZoneId, hold.PrincipalId, hold.SessionId, hold.ResourceSetHash, now });
                var live = await work.Connection.QuerySingleOrDefaultAsync<Hold>(
                    $"SELECT {Columns} FROM step_up_challenges WHERE {Binding} AND consumed_at IS NULL", hold);
                if (live is not null)
                {
                    return (live, false);
                }

                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO step_up_challenges
                        (id, zone_id, session_id, challenge_type, metadata_json, created_at, expires_at, principal_id,
                         resource_set_hash, application_id, tier, approver_class, privacy_mode, subject_anchor)
                    VALUES (@Id, @ZoneId, @SessionId, @ChallengeType, @Metadata, @CreatedAt, @ExpiresAt, @PrincipalId,
                            @ResourceSetHash, @ApplicationId, @Tier, @ApproverClass, @PrivacyMode, @SubjectAnchor)
                    """,
                    hold);
                return (hold, true);
            },
            cancellationToken);

    /// <summary>Takes back a hold that is not spent and does not fit what it would release; another may be asked for then.</summary>
    public Task WithdrawAsync(string id, CancellationToken cancellationToken) =>
        database.WriteAsync(
            work => work.Connection.ExecuteAsync("DELETE FROM step_up_challenges WHERE id = @id AND consumed_at IS NULL AND rejected_at IS NULL", new { id }),
            cancellationToken);

    /// <summary>One hold, or null.</summary>
    public Task<Hold?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => connection.QuerySingleOrDefaultAsync<Hold?>(
                $"SELECT {Columns} FROM step_up_challenges WHERE id = @id", new { id }),
            cancellationToken);

    /// <summary>Spends an approval that no authority record goes with; false when it cannot be spent (sts.md 8.4).</summary>
    public Task<bool> ConsumeAsync(string id, string zoneId, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async work => await work.Connection.ExecuteAsync(
                """
                UPDATE step_up_challenges SET consumed_at = @now
                WHERE id = @id AND zone_id = @zoneId AND satisfied_at IS NOT NULL AND rejected_at IS NULL
                  AND approver_subject_id IS NOT NULL AND consumed_at IS NULL AND expires_at > @now AND session_id = ''
                """,
                new { id, zoneId, now }) == 1,
            cancellationToken);

    /// <summary>Deletes holds whose last event is older than <paramref name="before"/> (sts.md 8.6); returns how many.</summary>
    public Task<int> SweepAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        database.WriteAsync(
            work => work.Connection.ExecuteAsync(
                """
                DELETE FROM step_up_challenges
                WHERE coalesce(consumed_at, expires_at) < @before AND expires_at < @before
                  AND coalesce(rejected_at, expires_at) < @before
                """,
                new { before }),
            cancellationToken);
}
