namespace Caracal.ControlPlane.Tests;

/// <summary>Live authority of an application as the STS and the Coordinator leave it: a record, two sessions, a delegation.</summary>
internal static class Authority
{
    public static Task SeedAsync(ApiHost api, string zone, string application, string? subject = null)
    {
        var sqlite = api.Database.Dialect.Name == "sqlite";
        string Time(long microseconds) => sqlite ? $"{microseconds}" : $"to_timestamp({microseconds} / 1000000.0)";
        var far = Time(9000000000000000);
        var labels = sqlite ? "'[\"reader\"]'" : "'{reader}'";
        var none = sqlite ? "'[]'" : "'{}'";
        return api.ExecuteAsync($$"""
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES ('rec-1', '{{zone}}', '{{(subject is null ? "application" : "user")}}', '{{subject ?? application}}', 'active', {{far}}, {{Time(0)}}, {{Time(1)}});
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, parent_id, status, expires_at, authenticated_at, created_at)
                VALUES ('rec-2', '{{zone}}', 'application', 'someone-else', 'rec-1', 'active', {{far}}, {{Time(0)}}, {{Time(2)}});
            INSERT INTO sessions (id, zone_id, application_id, parent_id, subject_authority_record_id, status, depth, labels, child_count,
                                  started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
                VALUES ('ses-1', '{{zone}}', '{{application}}', NULL, 'rec-1', 'active', 0, {{labels}}, 1, {{Time(1)}}, {{Time(1)}}, 60, '{}', {{Time(1)}}, 'task'),
                       ('ses-2', '{{zone}}', '{{application}}', 'ses-1', 'rec-other', 'active', 1, {{none}}, 0, {{Time(2)}}, {{Time(2)}}, 60, '{}', {{Time(2)}}, 'task');
            INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                                          scopes, constraints_json, status, expires_at, created_at, updated_at)
                VALUES ('edge-1', '{{zone}}', 'ses-1', 'ses-2', '{{application}}', '{{application}}', {{none}}, '{}', 'active', {{far}}, {{Time(1)}}, {{Time(1)}})
            """);
    }
}
