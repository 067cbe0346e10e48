using System.Diagnostics;
using System.Globalization;
using System.Text;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

[Collection(nameof(AloneInTheProcess))]
public sealed class KillSwitchTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("""{"subject_id":"a","session_id":"b"}""")]
    [InlineData("""{"authority_record_id":"a","session_id":"b"}""")]
    [InlineData("""{"filter":{}}""")]
    [InlineData("""{"filter":{"label":"x","shoe_size":3}}""")]
    [InlineData("""{"filter":{"started_before":"yesterday"}}""")]
    [InlineData("""{"subject_id":"a","dry_run":"yes"}""")]
    [InlineData("""{"subject_id":"a","surprise":1}""")]
    public async Task Refuses_a_target_that_is_not_exactly_one(string body)
    {
        await using var api = await ApiHost.StartAsync();
        var refused = await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/kill-switch", body);
        Assert.Equal((400, "invalid_kill_switch"), (refused.Status, refused.Error));
    }

    [Theory]
    [InlineData("""{"subject_id":"x"}""", "subject_not_found")]
    [InlineData("""{"application_id":"x"}""", "application_not_found")]
    [InlineData("""{"session_id":"x"}""", "session_not_found")]
    [InlineData("""{"delegation_id":"x"}""", "delegation_not_found")]
    [InlineData("""{"authority_record_id":"x"}""", "authority_record_not_found")]
    public async Task Refuses_what_is_not_of_this_zone(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var refused = await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/kill-switch", body);
        Assert.Equal((404, code), (refused.Status, refused.Error));
    }

    [Theory]
    [InlineData("\"subject_id\":\"user-1\"", 2, 2, 1)]
    [InlineData("\"application_id\":\"{app}\"", 0, 2, 1)]
    [InlineData("\"session_id\":\"ses-1\"", 0, 2, 1)]
    [InlineData("\"session_id\":\"ses-2\"", 0, 1, 1)]
    [InlineData("\"delegation_id\":\"edge-1\"", 0, 0, 1)]
    [InlineData("\"authority_record_id\":\"rec-1\"", 2, 2, 1)]
    [InlineData("\"authority_record_id\":\"rec-2\"", 1, 0, 0)]
    [InlineData("\"filter\":{\"label\":\"reader\"}", 0, 2, 1)]
    [InlineData("\"filter\":{\"label\":\"nobody\"}", 0, 0, 0)]
    [InlineData("\"filter\":{\"lifecycle\":\"task\",\"application_ids\":[\"{app}\"]}", 0, 2, 1)]
    [InlineData("\"filter\":{\"subject_ids\":[\"user-1\",\"other\"]}", 2, 2, 1)]
    [InlineData("\"filter\":{\"started_before\":\"2026-01-01T00:00:00Z\"}", 2, 2, 1)]
    [InlineData("\"filter\":{\"started_after\":\"2026-01-01T00:00:00Z\"}", 0, 0, 0)]
    public async Task Tries_without_a_trace_and_ends_exactly_what_the_trial_said(string target, int records, int sessions, int delegations)
    {
        foreach (var engine in (Engine[])[Engine.Sqlite, Engine.Postgres])
        {
            await using var api = await ApiHost.StartAsync(engine: engine);
            var zone = await api.ZoneAsync();
            var application = await api.ApplicationAsync(zone);
            await Authority.SeedAsync(api, zone, application, "user-1");
            var body = target.Replace("{app}", application, StringComparison.Ordinal);
            var before = await StateAsync(api);
            var trial = await api.PostAsync($"/v1/zones/{zone}/kill-switch", $$"""{{{body}},"dry_run":true}""");
            Assert.Equal(200, trial.Status);
            Assert.Equal(before, await StateAsync(api));
            var real = await api.PostAsync($"/v1/zones/{zone}/kill-switch", $$"""{{{body}},"reason":"incident 7"}""");
            foreach (var reply in (Reply[])[trial, real])
            {
                Assert.Equal(
                    (records, sessions, delegations),
                    (reply.Json.GetProperty("authority_records").GetInt32(), reply.Json.GetProperty("sessions").GetInt32(), reply.Json.GetProperty("delegations").GetInt32()));
            }

            Assert.Equal(trial.Json.GetProperty("examples").GetRawText(), real.Json.GetProperty("examples").GetRawText());
            Assert.Equal("incident 7", real.Get("reason"));
            Assert.Equal(records + sessions + delegations, (await api.RowsAsync("SELECT id FROM event_outbox WHERE stream_name = 'caracal.sessions.revoke'")).Count);
            Assert.Single(await api.RowsAsync("SELECT id FROM admin_audit_events WHERE action = 'kill switch'"));
        }
    }

    [Fact]
    public async Task Never_reaches_into_another_zone()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone), "user-1");
        var other = await api.ZoneAsync("Other");
        Assert.Equal("session_not_found", (await api.PostAsync($"/v1/zones/{other}/kill-switch", """{"session_id":"ses-1"}""")).Error);
        Assert.Equal(0, (await api.PostAsync($"/v1/zones/{other}/kill-switch", """{"filter":{"started_before":"2099-01-01T00:00Z"}}""")).Json.GetProperty("sessions").GetInt32());
        Assert.Equal(2, (await api.RowsAsync("SELECT id FROM sessions WHERE status = 'active'")).Count);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Ends_a_thousand_sessions_and_five_thousand_delegations_in_one_call_within_two_seconds(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        await ManyAsync(api, zone, application);
        await api.PostAsync($"/v1/zones/{zone}/kill-switch", """{"subject_id":"user-1","dry_run":true}""");
        var started = Stopwatch.GetTimestamp();
        var killed = await api.PostAsync($"/v1/zones/{zone}/kill-switch", """{"subject_id":"user-1"}""");
        var took = Stopwatch.GetElapsedTime(started);
        Assert.Equal(200, killed.Status);
        Assert.Equal((1, 1000, 5000), (killed.Json.GetProperty("authority_records").GetInt32(), killed.Json.GetProperty("sessions").GetInt32(), killed.Json.GetProperty("delegations").GetInt32()));
        Assert.Empty(await api.RowsAsync("SELECT id FROM sessions WHERE status IN ('active', 'suspended')"));
        Assert.Empty(await api.RowsAsync("SELECT id FROM delegation_edges WHERE status = 'active'"));
        Assert.Equal(1 + 1000 + 5000, (await api.RowsAsync("SELECT id FROM event_outbox WHERE stream_name = 'caracal.sessions.revoke'")).Count);
        Assert.Equal(5000, (await api.RowsAsync("SELECT id FROM event_outbox WHERE stream_name = 'caracal.delegations.invalidate'")).Count);
        TestContext.Current.TestOutputHelper?.WriteLine($"{engine}: {took.TotalMilliseconds:F0} ms");
        Assert.True(took < TimeSpan.FromSeconds(2), string.Create(CultureInfo.InvariantCulture, $"took {took.TotalMilliseconds:F0} ms"));
    }

    private static async Task<string> StateAsync(ApiHost api)
    {
        var state = new StringBuilder();
        foreach (var sql in (string[])
                 [
                     "SELECT id, status FROM authority_records ORDER BY id", "SELECT id, status, child_count FROM sessions ORDER BY id",
                     "SELECT id, status, edge_version FROM delegation_edges ORDER BY id", "SELECT count(*) AS n FROM delegation_graph_epochs",
                     "SELECT count(*) AS n FROM event_outbox",
                 ])
        {
            foreach (var row in await api.RowsAsync(sql)) state.AppendJoin(',', row.Values).AppendLine();
        }

        return state.ToString();
    }

    private static Task ManyAsync(ApiHost api, string zone, string application)
    {
        var sqlite = api.Database.Dialect.Name == "sqlite";
        string Time(long microseconds) => sqlite ? $"{microseconds}" : $"to_timestamp({microseconds} / 1000000.0)";
        var (far, now, none) = (Time(9000000000000000), Time(1), sqlite ? "'[]'" : "'{}'");
        string Numbers(int count) => sqlite
            ? $"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT i FROM n)"
            : $"generate_series(0, {count - 1}) AS g(i)";
        return api.ExecuteAsync(
            $$"""
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES ('rec', '{{zone}}', 'user', 'user-1', 'active', {{far}}, {{now}}, {{now}});
            INSERT INTO sessions (id, zone_id, application_id, parent_id, subject_authority_record_id, status, depth, labels, child_count,
                                  started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
                SELECT 'ses-' || i, '{{zone}}', '{{application}}', CASE WHEN i < 100 THEN NULL ELSE 'ses-' || (i % 100) END, 'rec', 'active', 0, {{none}}, 0,
                       {{now}}, {{now}}, 60, '{}', {{now}}, 'task' FROM {{Numbers(1000)}};
            INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                                          scopes, constraints_json, status, expires_at, created_at, updated_at)
                SELECT 'edge-' || i, '{{zone}}', 'ses-' || (i % 1000), 'ses-' || ((i + 1) % 1000), '{{application}}', '{{application}}',
                       {{none}}, '{}', 'active', {{far}}, {{now}}, {{now}} FROM {{Numbers(5000)}}
            """);
    }
}
