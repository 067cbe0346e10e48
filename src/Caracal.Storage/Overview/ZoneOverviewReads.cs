using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Overview;

/// <summary>A zone in numbers (api.md 4.1).</summary>
public sealed record ZoneFigures
{
    public long Applications { get; init; }
    public long ExpiredApplications { get; init; }
    public long ExpiringApplications { get; init; }
    public long Resources { get; init; }
    public long UnenforcedResources { get; init; }
    public long Providers { get; init; }
    public long PolicySets { get; init; }
    public string? ActiveName { get; init; }
    public long ActiveRecords { get; init; }
    public long Allowed { get; init; }
    public long Denied { get; init; }
}

/// <summary>Counts over the tables of one zone, as one moment shows them.</summary>
public static class ZoneOverviewReads
{
    public static Task<ZoneFigures> FiguresAsync(DbConnection connection, string zoneId, DateTimeOffset now) =>
        connection.QuerySingleAsync<ZoneFigures>(
            """
            SELECT (SELECT count(*) FROM applications WHERE zone_id = @zoneId AND archived_at IS NULL) AS applications,
                   (SELECT count(*) FROM applications WHERE zone_id = @zoneId AND archived_at IS NULL AND expires_at <= @now) AS expired_applications,
                   (SELECT count(*) FROM applications WHERE zone_id = @zoneId AND archived_at IS NULL AND expires_at > @now
                      AND expires_at <= @soon) AS expiring_applications,
                   (SELECT count(*) FROM resources WHERE zone_id = @zoneId AND archived_at IS NULL) AS resources,
                   (SELECT count(*) FROM resources WHERE zone_id = @zoneId AND archived_at IS NULL
                      AND operation_enforcement <> 'enforced') AS unenforced_resources,
                   (SELECT count(*) FROM providers WHERE zone_id = @zoneId AND archived_at IS NULL) AS providers,
                   (SELECT count(*) FROM policy_sets WHERE zone_id = @zoneId AND archived_at IS NULL) AS policy_sets,
                   (SELECT p.name FROM policy_set_bindings b JOIN policy_sets p ON p.id = b.policy_set_id
                    WHERE b.zone_id = @zoneId AND b.active_version_id IS NOT NULL) AS active_name,
                   (SELECT count(*) FROM authority_records WHERE zone_id = @zoneId AND status = 'active' AND expires_at > @now) AS active_records,
                   (SELECT count(*) FROM audit_events WHERE zone_id = @zoneId AND occurred_at >= @yesterday AND decision = 'allow') AS allowed,
                   (SELECT count(*) FROM audit_events WHERE zone_id = @zoneId AND occurred_at >= @yesterday AND decision = 'deny') AS denied
            """,
            new { zoneId, now, soon = now.AddDays(7), yesterday = now.AddDays(-1) });
}
