using System.Collections.Immutable;
using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>
/// The last fallible step of a mint: checks again, under the zone's delegation lock, that what was proved still holds
/// (B10), spends the mandate and the approval, and inserts the authority record; all or nothing.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="memory">Learns what was written.</param>
/// <param name="time">The clock that mandates are issued by.</param>
public sealed class AuthorityRecordInsertion(Database database, ExchangeFactsMemory memory, TimeProvider time)
{
    // Where other processes spend mandates too, the table alone knows which.
    private readonly SpentMandates? _spent = database.AuthorityVersion is null ? null : new SpentMandates(database, time);

    private const string InsertColumns =
        """
        INSERT INTO authority_records
            (id, zone_id, session_type, subject_id, parent_id, status, expires_at, authenticated_at, created_at)
        SELECT @id, @zone, @type, @subject, @parent, 'active', @expires, @now, @now
        """;

    // What can have changed since the decision without a new epoch; a new epoch sends us to the full check. Each row is found by its
    // key alone and judged where it was found: asked for by zone and state as well, PostgreSQL without statistics takes an index of
    // the zone's active rows for as good as the key and reads them all, at every exchange until it has counted them.
    private const string Guard =
        """

        WHERE (CAST(@record AS text) IS NULL OR
                  (SELECT r.zone_id = @zone AND r.status = 'active' AND r.expires_at > @now FROM authority_records r WHERE r.id = @record))
          AND (CAST(@session AS text) IS NULL OR
                  (SELECT s.zone_id = @zone AND s.status = 'active'
                          AND a.zone_id = @zone AND (a.session_type <> 'user' OR (a.status = 'active' AND a.expires_at > @now))
                   FROM sessions s JOIN authority_records a ON a.id = s.subject_authority_record_id
                   WHERE s.id = @session))
          AND (CAST(@edge AS text) IS NULL OR (@epoch = coalesce((SELECT g.epoch FROM delegation_graph_epochs g WHERE g.zone_id = @zone), 0) AND
                  (SELECT e.zone_id = @zone AND e.status = 'active' AND e.revoked_at IS NULL AND e.expires_at > @now
                          AND o.zone_id = @zone AND o.status = 'active'
                          AND b.zone_id = @zone AND (b.session_type <> 'user' OR (b.status = 'active' AND b.expires_at > @now))
                   FROM delegation_edges e
                   JOIN sessions o ON o.id = e.source_session_id
                   JOIN authority_records b ON b.id = o.subject_authority_record_id
                   WHERE e.id = @edge)))

        """;

    private const string GuardedInsertSql = InsertColumns + Guard;

    // The guard is judged once, where the mandate is spent; the record follows from that row alone.
    // The expiry is the mandate's own, signed: the same mandate always comes with the same one.
    private const string GuardedUseSql =
        "INSERT INTO used_mandates (jti, expires_at, record_id) SELECT @jti, @until, @id" + Guard + "ON CONFLICT (expires_at, jti) DO NOTHING";

    private const string InsertIfUsedSql = InsertColumns +
        " WHERE EXISTS (SELECT 1 FROM used_mandates u WHERE u.expires_at = @until AND u.jti = @jti AND u.record_id = @id)";

    private const string UseSql =
        "INSERT INTO used_mandates (jti, expires_at, record_id) VALUES (@jti, @expires, @id) ON CONFLICT (expires_at, jti) DO NOTHING";

    private const string ConsumeSql =
        """
        UPDATE step_up_challenges SET consumed_at = @now, consumed_authority_record_id = @record
        WHERE id = @id AND zone_id = @zone AND satisfied_at IS NOT NULL AND rejected_at IS NULL
          AND approver_subject_id IS NOT NULL AND consumed_at IS NULL AND expires_at > @now
          AND (session_id = '' OR EXISTS (SELECT 1 FROM authority_records r
               WHERE r.id = step_up_challenges.session_id AND r.status = 'active' AND r.expires_at > @now))
        """;

    private static readonly ImmutableArray<string> InsertNames = ["@id", "@zone", "@type", "@subject", "@parent", "@expires", "@now"];
    private static readonly ImmutableArray<string> GuardedInsertNames = [.. InsertNames, "@record", "@session", "@edge", "@epoch"];
    private static readonly ImmutableArray<string> InsertIfUsedNames = [.. InsertNames, "@until", "@jti"];
    private static readonly ImmutableArray<string> UseNames = ["@jti", "@expires", "@id"];
    private static readonly ImmutableArray<string> GuardedUseNames =
        ["@jti", "@until", "@id", "@zone", "@now", "@record", "@session", "@edge", "@epoch"];

    /// <param name="record">What to write.</param>
    /// <param name="lookup">What was read when the exchange was decided.</param>
    /// <param name="epoch">The graph's epoch the Delegation was proved at.</param>
    /// <param name="stillHolds">Judges the same facts read again; runs on the writer, so it must be quick. Asked only when the guard does not hold.</param>
    /// <param name="cancellationToken">Cancels before the write starts, not in the middle.</param>
    public async Task<RecordOutcome> InsertAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, long epoch, Func<ExchangeFacts, bool> stillHolds,
        CancellationToken cancellationToken)
    {
        if (_spent is not null && record.UsedJti is { } jti)
        {
            if (!_spent.TryAdd(jti, record.UsedJtiIssuedAt, record.UsedJtiExpiresAt))
            {
                return RecordOutcome.MandateAlreadyUsed;
            }

            var outcome = RecordOutcome.AuthorityGone;
            try
            {
                return outcome = await WriteAsync(record, lookup, epoch, stillHolds, cancellationToken);
            }
            finally
            {
                if (outcome != RecordOutcome.Written)
                {
                    _spent.Remove(jti, record.UsedJtiExpiresAt);
                }
            }
        }

        return await WriteAsync(record, lookup, epoch, stillHolds, cancellationToken);
    }

    /// <summary>Before the first mandate is issued.</summary>
    public Task OpenAsync(CancellationToken cancellationToken) => _spent?.OpenAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Before the store is closed: nothing can be spent afterwards.</summary>
    public Task CloseAsync() => _spent?.CloseAsync() ?? Task.CompletedTask;

    private async Task<RecordOutcome> WriteAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, long epoch, Func<ExchangeFacts, bool> stillHolds,
        CancellationToken cancellationToken)
    {
        var version = memory.Version;
        var outcome = record.ApprovalId is null
            && (TryIssue(record) || await InsertGuardedAsync(record, lookup, epoch, cancellationToken))
            ? RecordOutcome.Written
            : await InsertJudgedAsync(record, lookup, stillHolds, cancellationToken);
        if (outcome != RecordOutcome.Written)
        {
            return outcome;
        }

        if (record.UsedJti is null)
        {
            memory.Keep(
                record.ZoneId,
                new RecordFacts(record.Id, record.SessionType, record.SubjectId, record.ParentId, "active", record.ExpiresAt),
                version);
        }
        else
        {
            memory.Forget(record.ZoneId, lookup.RecordId); // Its mandate is spent, and what came of it goes to an upstream.
        }

        return outcome;
    }

    // Whoever loses the record of a mandate finds the mandate refused, and a spent one stays spent behind the fence. An
    // approval that was consumed must stay so.
    private static WriteKind Kind(NewAuthorityRecord record) => record.ApprovalId is null ? WriteKind.Issue : WriteKind.Bookkeeping;

    /// <summary>Forgets mandates whose life is over; returns how many.</summary>
    public Task<int> PurgeUsedAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        _spent?.Purge(now);
        return database.WriteAsync(
            WriteKind.Bookkeeping,
            work =>
            {
                var command = PreparedStatements.Get(work.Connection, "DELETE FROM used_mandates WHERE expires_at < @now", "@now");
                command.SetTime(0, now, work.Dialect);
                return command.ExecuteNonQueryAsync();
            },
            cancellationToken);
    }

    // Where one process writes, it knows that nobody's authority changed since the decision: nothing is left to look at.
    private bool TryIssue(NewAuthorityRecord record)
    {
        if (record.FactsVersion is not { } version)
        {
            return false;
        }

        var insert = new ChangeStatement(
            InsertColumns, InsertNames,
            [record.Id, record.ZoneId, record.SessionType, record.SubjectId, record.ParentId, record.ExpiresAt, record.Now]);
        return record.UsedJti is null
            ? database.TryIssue(version, [insert])
            : database.TryIssue(version, [new(UseSql, UseNames, [record.UsedJti, record.UsedJtiExpiresAt, record.Id]), insert]);
    }

    // The common way elsewhere: nothing changed since the decision, so the whole change is known beforehand and may commit together
    // with those of other mints. The shared lock keeps out whoever ends authority, not the other mints.
    private async Task<bool> InsertGuardedAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, long epoch, CancellationToken cancellationToken)
    {
        object?[] guarded = [record.Now, lookup.RecordId, lookup.AgentSessionId, lookup.DelegationEdgeId, epoch];
        object?[] columns = [record.Id, record.ZoneId, record.SessionType, record.SubjectId, record.ParentId, record.ExpiresAt];
        ImmutableArray<ChangeStatement> statements = record.UsedJti is null
            ? [new(GuardedInsertSql, GuardedInsertNames, [.. columns, .. guarded])]
            :
            [
                new(GuardedUseSql, GuardedUseNames, [record.UsedJti, record.UsedJtiExpiresAt, record.Id, record.ZoneId, .. guarded]),
                new(InsertIfUsedSql, InsertIfUsedNames, [.. columns, record.Now, record.UsedJtiExpiresAt, record.UsedJti]),
            ];
        var rows = await database.ChangeAsync(new Change(ZoneLock(record), Kind(record), statements), cancellationToken);
        return rows[^1] == 1;
    }

    // Something moved, or an approval is spent with it: alone in the zone, look at everything again.
    private Task<RecordOutcome> InsertJudgedAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, Func<ExchangeFacts, bool> stillHolds, CancellationToken cancellationToken) =>
        database.WriteAsync(
            Kind(record),
            async work =>
            {
                await work.LockAsync(ZoneLock(record));
                if (record.UsedJti is not null && await UseAsync(work, record) == 0)
                {
                    return Nothing(work, RecordOutcome.MandateAlreadyUsed);
                }

                if (record.ApprovalId is not null && await ConsumeAsync(work, record) == 0)
                {
                    return Nothing(work, RecordOutcome.ApprovalAlreadyConsumed);
                }

                if (!stillHolds(await ExchangeFactsStore.ReadAsync(work.Connection, lookup)))
                {
                    return Nothing(work, RecordOutcome.AuthorityGone);
                }

                await InsertAsync(work, record);
                return RecordOutcome.Written;
            },
            cancellationToken);

    private static AdvisoryLock ZoneLock(NewAuthorityRecord record) => AdvisoryLock.Of($"delegation:{record.ZoneId}");

    private static RecordOutcome Nothing(Work work, RecordOutcome outcome)
    {
        work.Discard();
        return outcome;
    }

    private static Task<int> UseAsync(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(work.Connection, UseSql, UseNames.AsSpan());
        command.Set(0, record.UsedJti);
        command.SetTime(1, record.UsedJtiExpiresAt, work.Dialect);
        command.Set(2, record.Id);
        return command.ExecuteNonQueryAsync();
    }

    private static Task<int> ConsumeAsync(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(work.Connection, ConsumeSql, "@now", "@record", "@id", "@zone");
        command.SetTime(0, record.Now, work.Dialect);
        command.Set(1, record.Id);
        command.Set(2, record.ApprovalId);
        command.Set(3, record.ZoneId);
        return command.ExecuteNonQueryAsync();
    }

    private static Task<int> InsertAsync(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(work.Connection, InsertColumns, InsertNames.AsSpan());
        command.Set(0, record.Id);
        command.Set(1, record.ZoneId);
        command.Set(2, record.SessionType);
        command.Set(3, record.SubjectId);
        command.Set(4, record.ParentId);
        command.SetTime(5, record.ExpiresAt, work.Dialect);
        command.SetTime(6, record.Now, work.Dialect);
        return command.ExecuteNonQueryAsync();
    }
}
