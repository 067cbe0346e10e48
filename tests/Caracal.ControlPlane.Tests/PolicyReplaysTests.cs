using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

[Collection(nameof(AloneInTheProcess))]
public sealed class PolicyReplaysTests
{
    private const string Head = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\n";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Says_what_a_candidate_would_change_and_nothing_where_the_old_answer_does_not_come_back(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var scene = await SceneAsync(api);
        var active = scene.Versions[0];
        await DecisionsAsync(api, scene, 6, "'allow'", active, "pay", "reader");        // still allowed
        await DecisionsAsync(api, scene, 5, "'allow'", active, "refund", "reader");     // the candidate takes it away
        await DecisionsAsync(api, scene, 4, "'deny'", active, "audit", "reader");       // the candidate gives it
        await DecisionsAsync(api, scene, 3, "'allow'", active, "audit", "reader");      // not what the policy of that time says
        await DecisionsAsync(api, scene, 2, "'allow'", "gone", "pay", "reader");        // decided by a version nobody has
        var done = await RunAsync(api, scene, $$"""{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z","examples":3}""");
        Assert.Equal(
            (20, 20, 4, 5, 6, 5),
            (Number(done, "total"), Number(done, "evaluated"), Number(done, "newly_allowed"), Number(done, "newly_denied"), Number(done, "unchanged"), Number(done, "unreproducible")));
        var example = done.GetProperty("examples").GetProperty("newly_denied");
        Assert.Equal(3, example.GetArrayLength());
        Assert.Equal(
            ("allow", "role_scope_mismatch", """["refund"]"""),
            (example[0].GetProperty("recorded").GetString(), example[0].GetProperty("reason").GetString(), example[0].GetProperty("requested_scopes").GetRawText()));

        var narrower = await RunAsync(api, scene, """{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z","limit":2}""");
        Assert.Equal(2, Number(narrower, "total"));
        Assert.Equal(0, Number(await RunAsync(api, scene, """{"since":"2025-01-01T00:00:00Z","until":"2025-01-02T00:00:00Z"}"""), "total"));

        // The same version against itself changes nothing.
        var same = await RunAsync(api, scene, """{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}""", version: 0);
        Assert.Equal((0, 0, 15), (Number(same, "newly_allowed"), Number(same, "newly_denied"), Number(same, "unchanged")));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Asks_with_what_is_kept_for_it_and_says_what_is_kept_no_longer(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var scene = await SceneAsync(api);
        const string Kept = """{"resource_id":"r","resource_scopes":["pay"],"delegation_scopes":["refund"]}""";
        await DecisionsAsync(api, scene, 9, "'allow'", scene.Versions[0], "refund", "reader", Kept);
        await api.ExecuteAsync("INSERT INTO policy_inputs (zone_id, chain_seq, input, kept_since) SELECT zone_id, chain_seq, '" + Kept + "', ingested_at FROM audit_events WHERE chain_seq <= 6");
        await api.ExecuteAsync("UPDATE policy_inputs SET input = '{}' WHERE chain_seq = 1");
        var done = await RunAsync(api, scene, """{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}""");
        Assert.Equal((9, 5, 1, 3), (Number(done, "evaluated"), Number(done, "newly_denied"), Number(done, "unreproducible"), Number(done, "not_kept")));
        var example = done.GetProperty("examples").GetProperty("unreproducible")[0];
        Assert.Equal(("e-1", "what is kept is not what policy saw"), (example.GetProperty("event_id").GetString(), example.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Counts_what_a_human_would_newly_be_asked_for()
    {
        await using var api = await ApiHost.StartAsync();
        var scene = await SceneAsync(api, candidate: """
            risk := [{"scope": "pay", "tier": "high"}]
            approval_tiers := [{"tier": "high", "approver": "operator"}]
            """);
        await DecisionsAsync(api, scene, 3, "'allow'", scene.Versions[0], "pay", "reader");
        var done = await RunAsync(api, scene, """{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}""");
        Assert.Equal((3, 0), (Number(done, "newly_held"), Number(done, "newly_denied")));
    }

    [Theory]
    [InlineData("""{"since":"x"}""")]
    [InlineData("""{"limit":100001}""")]
    [InlineData("""{"examples":51}""")]
    [InlineData("""{"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}""")]
    [InlineData("""{"surprise":1}""")]
    public async Task Refuses_ranges_that_are_none(string body)
    {
        await using var api = await ApiHost.StartAsync();
        var scene = await SceneAsync(api);
        Assert.Equal("invalid_replay", (await api.PostAsync($"{scene.Path}/versions/{scene.Versions[1]}/replay", body)).Error);
        Assert.Equal("policy_set_version_not_found", (await api.PostAsync($"{scene.Path}/versions/x/replay", "{}")).Error);
        Assert.Equal("policy_set_not_found", (await api.PostAsync($"{scene.Path}x/versions/{scene.Versions[1]}/replay", "{}")).Error);
        Assert.Equal("replay_not_found", (await api.GetAsync($"/v1/zones/{scene.Zone}/policy-replays/x")).Error);
        var other = await api.ZoneAsync("Other");
        var started = await api.PostAsync($"{scene.Path}/versions/{scene.Versions[1]}/replay", "{}");
        Assert.Equal("replay_not_found", (await api.GetAsync($"/v1/zones/{other}/policy-replays/{started.Get("replay_id")}")).Error);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Reports_progress_over_many_decisions_in_little_time(Engine engine)
    {
        // CARACAL_LONG_TESTS runs the size that the promise names.
        var count = Environment.GetEnvironmentVariable("CARACAL_LONG_TESTS") == "1" ? 100_000 : 10_000;
        await using var api = await ApiHost.StartAsync(engine: engine);
        var scene = await SceneAsync(api);
        await DecisionsAsync(api, scene, count, "'allow'", scene.Versions[0], "refund", "reader");
        var seen = new HashSet<int>();
        var done = await RunAsync(api, scene, """{"since":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}""", progress: seen.Add);
        Assert.Equal(count, Number(done, "newly_denied"));
        Assert.Contains(seen, evaluated => evaluated > 0 && evaluated < count);
        TestContext.Current.TestOutputHelper?.WriteLine($"{engine}: {count} decisions in {Number(done, "elapsed_ms")} ms");

        // The promise is for that size on two free cores; a machine that others load at the same time proves nothing.
        if (count == 100_000) Assert.True(Number(done, "elapsed_ms") <= 10_000, $"took {Number(done, "elapsed_ms")} ms");
    }

    private static async Task<Scene> SceneAsync(ApiHost api, string candidate = "")
    {
        var zone = await api.ZoneAsync();
        var application = await api.ApplicationAsync(zone);
        string Document(string scopes, string more) =>
            $$$"""
              {{{Head}}}app_ids := {"p": "{{{application}}}"}
              grants := {"resource://r": {"application": "p", "roles": {"reader": [{{{scopes}}}]} } }
              {{{more}}}
              """;
        var policy = await api.PostAsync($"/v1/zones/{zone}/policies", JsonSerializer.Serialize(new { name = "p", content = Document("\"pay\", \"refund\"", "") }));
        var second = await api.PostAsync(
            $"/v1/zones/{zone}/policies/{policy.Get("id")}/versions", JsonSerializer.Serialize(new { content = Document("\"pay\", \"audit\"", candidate) }));
        var set = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"s"}""")).Get("id");
        var versions = new List<string>();
        foreach (var version in (Reply[])[policy, second])
        {
            var made = await api.PostAsync($"/v1/zones/{zone}/policy-sets/{set}/versions", $$"""{"manifest":[{"policy_version_id":"{{version.Get("version_id")}}"}]}""");
            Assert.Equal(201, made.Status);
            versions.Add(made.Get("version_id"));
        }

        return new Scene(zone, application, $"/v1/zones/{zone}/policy-sets/{set}", [.. versions]);
    }

    private static async Task<JsonElement> RunAsync(ApiHost api, Scene scene, string body, int version = 1, Func<int, bool>? progress = null)
    {
        var started = await api.PostAsync($"{scene.Path}/versions/{scene.Versions[version]}/replay", body);
        Assert.True(started.Status == 202, started.Text);
        if (progress is not null) Assert.Equal("replay_in_progress", (await api.PostAsync($"{scene.Path}/versions/{scene.Versions[1]}/replay", body)).Error);
        while (true)
        {
            var report = (await api.GetAsync(started.Get("status_url"))).Json;
            progress?.Invoke(Number(report, "evaluated"));
            if (report.GetProperty("state").GetString() != "running")
            {
                Assert.Equal("done", report.GetProperty("state").GetString());

                // The zone is free again a moment after its report says so.
                await Task.Delay(50);
                return report;
            }

            await Task.Delay(10);
        }
    }

    private static int Number(JsonElement report, string name) => report.GetProperty(name).GetInt32();

    // Decisions as the STS records them: minted on a delegation by an agent that carries a label.
    private static async Task DecisionsAsync(ApiHost api, Scene scene, int count, string decision, string version, string scope, string label, string? kept = null)
    {
        var sqlite = api.Database.Dialect.Name == "sqlite";
        var first = int.Parse((await api.RowsAsync("SELECT coalesce(max(chain_seq), 0) AS n FROM audit_events"))[0]["n"]!);
        var numbers = sqlite
            ? $"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
            : $"generate_series(1, {count}) AS g(i)";
        var time = sqlite ? "1767225600000000 + i" : "to_timestamp(1767225600) + i * interval '1 microsecond'";
        var metadata =
            $$"""{"application_id":"{{scene.Application}}","resource":"resource://r","requested_scopes":["{{scope}}"],"session_id":"rec","agent_session_id":"ses","delegation_edge_id":"edge","subject_kind":"application","agent_lifecycle":"task","agent_labels":["{{label}}"],{{(kept is null ? $"\"delegation_scopes\":[\"{scope}\"]" : $"\"policy_input_sha256\":\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(kept)))}\"")}}}""";
        await api.ExecuteAsync(
            $$"""
            INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, policy_set_version_id, evaluation_status, determining_policies_json,
                                      diagnostics_json, metadata_json, occurred_at, ingested_at, content_sha256, chain_seq)
            SELECT 'e-' || ({{first}} + i), '{{scene.Zone}}', 'token_exchange', 'r-' || i, {{decision}}, '{{version}}', 'complete', '[]', '[]',
                   '{{metadata}}', {{time}}, {{time}}, 'x', {{first}} + i FROM {{numbers}}
            """);
    }

    private sealed record Scene(string Zone, string Application, string Path, string[] Versions);
}
