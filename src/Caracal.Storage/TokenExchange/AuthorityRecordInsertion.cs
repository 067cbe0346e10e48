using System.Data.Common;
using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>
/// The last fallible step of a mint: checks again, under the zone's delegation lock, that what was proved still holds
/// (B10), spends the mandate and the approval, and inserts the authority record; all or nothing.
/// </summary>
/// <param name="database">The store.</param>
/// <param name="memory">Learns what was written.</param>
public sealed class AuthorityRecordInsertion(Database database, ExchangeFactsMemory memory)
{
    private const string InsertColumns =
        """
        INSERT INTO authority_records
            (id, zone_id, session_type, subject_id, parent_id, status, expires_at, authenticated_at, created_at)
        SELECT @id, @zone, @type, @subject, @parent, 'active', @expires, @now, @now
        """;

    // What can have changed since the decision without a new epoch; a new epoch sends us to the full check.
    private const string GuardedInsertSql = InsertColumns +
        """

        WHERE (CAST(@record AS text) IS NULL OR EXISTS (SELECT 1 FROM authority_records r
                   WHERE r.id = @record AND r.zone_id = @zone AND r.status = 'active' AND r.expires_at > @now))
          AND (CAST(@session AS text) IS NULL OR EXISTS (SELECT 1 FROM sessions s
                   JOIN authority_records a ON a.id = s.subject_authority_record_id AND a.zone_id = @zone
                   WHERE s.id = @session AND s.zone_id = @zone AND s.status = 'active'
                     AND (a.session_type <> 'user' OR (a.status = 'active' AND a.expires_at > @now))))
          AND (CAST(@edge AS text) IS NULL OR (@epoch = coalesce((SELECT g.epoch FROM delegation_graph_epochs g WHERE g.zone_id = @zone), 0)
               AND EXISTS (SELECT 1 FROM delegation_edges e
                   JOIN sessions o ON o.id = e.source_session_id AND o.zone_id = @zone
                   JOIN authority_records b ON b.id = o.subject_authority_record_id AND b.zone_id = @zone
                   WHERE e.id = @edge AND e.zone_id = @zone AND e.status = 'active' AND e.revoked_at IS NULL
                     AND e.expires_at > @now AND o.status = 'active'
                     AND (b.session_type <> 'user' OR (b.status = 'active' AND b.expires_at > @now)))))
        """;

    // The expiry is the mandate's own, signed: the same mandate always comes with the same one.
    private const string UseSql =
        "INSERT INTO used_mandates (jti, expires_at) VALUES (@jti, @expires) ON CONFLICT (expires_at, jti) DO NOTHING";

    private const string ConsumeSql =
        """
        UPDATE step_up_challenges SET consumed_at = @now, consumed_authority_record_id = @record
        WHERE id = @id AND zone_id = @zone AND satisfied_at IS NOT NULL AND rejected_at IS NULL
          AND approver_subject_id IS NOT NULL AND consumed_at IS NULL AND expires_at > @now
          AND (session_id = '' OR EXISTS (SELECT 1 FROM authority_records r
               WHERE r.id = step_up_challenges.session_id AND r.status = 'active' AND r.expires_at > @now))
        """;

    /// <param name="record">What to write.</param>
    /// <param name="lookup">What was read when the exchange was decided.</param>
    /// <param name="epoch">The graph's epoch the Delegation was proved at.</param>
    /// <param name="stillHolds">Judges the same facts read again; runs on the writer, so it must be quick. Asked only when the guard does not hold.</param>
    /// <param name="cancellationToken">Cancels before the write starts, not in the middle.</param>
    public async Task<RecordOutcome> InsertAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, long epoch, Func<ExchangeFacts, bool> stillHolds,
        CancellationToken cancellationToken)
    {
        var version = memory.Version;
        var outcome = await WriteAsync(record, lookup, epoch, stillHolds, cancellationToken);
        if (outcome == RecordOutcome.Written)
        {
            memory.Keep(
                record.ZoneId,
                new RecordFacts(record.Id, record.SessionType, record.SubjectId, record.ParentId, "active", record.ExpiresAt),
                version);
        }

        return outcome;
    }

    // Whoever loses the record of a mandate in a power cut finds the mandate refused. What it spends must stay spent.
    private static WriteKind Kind(NewAuthorityRecord record) =>
        record.UsedJti is null && record.ApprovalId is null ? WriteKind.Issue : WriteKind.Bookkeeping;

    private Task<RecordOutcome> WriteAsync(
        NewAuthorityRecord record, ExchangeLookup lookup, long epoch, Func<ExchangeFacts, bool> stillHolds,
        CancellationToken cancellationToken) =>
        database.WriteAsync(
            Kind(record),
            async work =>
            {
                await work.LockAsync($"delegation:{record.ZoneId}");
                if (record.UsedJti is not null && Use(work, record) == 0)
                {
                    return Nothing(work, RecordOutcome.MandateAlreadyUsed);
                }

                if (record.ApprovalId is not null && Consume(work, record) == 0)
                {
                    return Nothing(work, RecordOutcome.ApprovalAlreadyConsumed);
                }

                if (InsertGuarded(work, record, lookup, epoch) == 1)
                {
                    return RecordOutcome.Written;
                }

                if (!stillHolds(ExchangeFactsStore.Read(work.Connection, lookup)))
                {
                    return Nothing(work, RecordOutcome.AuthorityGone);
                }

                Insert(work, record);
                return RecordOutcome.Written;
            },
            cancellationToken);

    /// <summary>Forgets mandates whose life is over; returns how many.</summary>
    public Task<int> PurgeUsedAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            work =>
            {
                var command = PreparedStatements.Get(work.Connection, "DELETE FROM used_mandates WHERE expires_at < @now", "@now");
                command.SetTime(0, now, work.Dialect);
                return Task.FromResult(command.ExecuteNonQuery());
            },
            cancellationToken);

    private static RecordOutcome Nothing(Work work, RecordOutcome outcome)
    {
        work.Discard();
        return outcome;
    }

    private static int Use(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(work.Connection, UseSql, "@jti", "@expires");
        command.Set(0, record.UsedJti);
        command.SetTime(1, record.UsedJtiExpiresAt, work.Dialect);
        return command.ExecuteNonQuery();
    }

    private static int Consume(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(work.Connection, ConsumeSql, "@now", "@record", "@id", "@zone");
        command.SetTime(0, record.Now, work.Dialect);
        command.Set(1, record.Id);
        command.Set(2, record.ApprovalId);
        command.Set(3, record.ZoneId);
        return command.ExecuteNonQuery();
    }

    private static int InsertGuarded(Work work, NewAuthorityRecord record, ExchangeLookup lookup, long epoch)
    {
        var command = PreparedStatements.Get(
            work.Connection, GuardedInsertSql,
            "@id", "@zone", "@type", "@subject", "@parent", "@expires", "@now", "@record", "@session", "@edge", "@epoch");
        Bind(command, record, work.Dialect);
        command.Set(7, lookup.RecordId);
        command.Set(8, lookup.AgentSessionId);
        command.Set(9, lookup.DelegationEdgeId);
        command.Set(10, epoch);
        return command.ExecuteNonQuery();
    }

    private static void Insert(Work work, NewAuthorityRecord record)
    {
        var command = PreparedStatements.Get(
            work.Connection, InsertColumns, "@id", "@zone", "@type", "@subject", "@parent", "@expires", "@now");
        Bind(command, record, work.Dialect);
        command.ExecuteNonQuery();
    }

    private static void Bind(DbCommand command, NewAuthorityRecord record, ISqlDialect dialect)
    {
        command.Set(0, record.Id);
        command.Set(1, record.ZoneId);
        command.Set(2, record.SessionType);
        command.Set(3, record.SubjectId);
        command.Set(4, record.ParentId);
        command.SetTime(5, record.ExpiresAt, dialect);
        command.SetTime(6, record.Now, dialect);
    }
}
