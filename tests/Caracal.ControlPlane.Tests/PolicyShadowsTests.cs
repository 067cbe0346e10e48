using System.Text.Json;
using Caracal.Authority.PolicyShadows;
using Caracal.Streams.State;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class PolicyShadowsTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Orders_a_shadow_sums_what_is_reported_and_ends_it(Engine engine)
    {
        using var state = new InProcessState(TimeProvider.System);
        await using var api = await ApiHost.StartAsync(engine: engine, shared: state);
        var (zone, path, version) = await SceneAsync(api);
        var status = $"/v1/zones/{zone}/policy-shadow";
        Assert.Equal((404, "shadow_not_found"), await SeenAsync(api.GetAsync(status)));
        var started = await api.PostAsync($"{path}/versions/{version}/shadow", """{"duration_seconds":60,"examples":1}""");
        Assert.True(started.Status == 202, started.Text);
        Assert.Equal(status, started.Get("status_url"));
        Assert.Equal((409, "shadow_in_progress"), await SeenAsync(api.PostAsync($"{path}/versions/{version}/shadow", "{}")));

        // As two instances of the STS report.
        var order = ShadowOrder.TryRead(await state.GetAsync(ShadowOrder.KeyOf(zone), default))!;
        Assert.Equal((started.Get("shadow_id"), version, 1), (order.Id, order.VersionId, order.Examples));
        for (var number = 0; number < 2; number++)
        {
            Assert.True(await state.TryLeaseAsync(order.ReporterKey(number), "sts", TimeSpan.FromHours(1), default));
            var report = new ShadowReport { NewlyDenied = 2, Unchanged = 5, Dropped = 1, Examples = [Example($"r-{number}", number)] };
            await state.SetAsync(order.ReportKey(number), report.ToJson(), TimeSpan.FromHours(1), default);
        }

        var seen = (await api.GetAsync(status)).Json;
        Assert.Equal(
            ("running", 2, 14, 4, 10, 2),
            (seen.GetProperty("state").GetString(), Number(seen, "reporters"), Number(seen, "evaluated"), Number(seen, "newly_denied"), Number(seen, "unchanged"), Number(seen, "dropped")));
        var example = Assert.Single(seen.GetProperty("examples").GetProperty("newly_denied").EnumerateArray());
        Assert.Equal("r-1", example.GetProperty("request_id").GetString());

        Assert.Equal(204, (await api.SendAsync("DELETE", status, null)).Status);
        var ended = (await api.GetAsync(status)).Json;
        Assert.Equal(("ended", 4), (ended.GetProperty("state").GetString(), Number(ended, "newly_denied")));
        Assert.Equal(202, (await api.PostAsync($"{path}/versions/{version}/shadow", "{}")).Status);
        Assert.Equal(0, Number((await api.GetAsync(status)).Json, "evaluated"));
    }

    [Fact]
    public async Task Refuses_orders_that_are_none_and_versions_that_are_not_there()
    {
        await using var api = await ApiHost.StartAsync();
        var (zone, path, version) = await SceneAsync(api);
        foreach (var body in (string[])["""{"duration_seconds":59}""", """{"duration_seconds":604801}""", """{"examples":21}""", """{"surprise":1}"""])
        {
            Assert.Equal((400, "invalid_shadow"), await SeenAsync(api.PostAsync($"{path}/versions/{version}/shadow", body)));
        }

        Assert.Equal((404, "policy_set_version_not_found"), await SeenAsync(api.PostAsync($"{path}/versions/x/shadow", "{}")));
        Assert.Equal((404, "policy_set_not_found"), await SeenAsync(api.PostAsync($"{path}x/versions/{version}/shadow", "{}")));
        Assert.Equal((404, "shadow_not_found"), await SeenAsync(api.SendAsync("DELETE", $"/v1/zones/{zone}/policy-shadow", null)));
        var other = await api.ZoneAsync("Other");
        Assert.Equal(202, (await api.PostAsync($"{path}/versions/{version}/shadow", "{}")).Status);
        Assert.Equal((404, "shadow_not_found"), await SeenAsync(api.GetAsync($"/v1/zones/{other}/policy-shadow")));
    }

    private static async Task<(int, string?)> SeenAsync(Task<Reply> reply) => ((await reply).Status, (await reply).Error);

    private static int Number(JsonElement report, string name) => report.GetProperty(name).GetInt32();

    private static ShadowExample Example(string requestId, int minute) => new()
    {
        Change = "newly_denied",
        RequestId = requestId,
        OccurredAt = DateTimeOffset.UnixEpoch.AddMinutes(minute),
        Decided = "allow",
        Reason = "role_scope_mismatch",
        PrincipalId = "app",
        Resource = "resource://r",
        RequestedScopes = ["pay"],
        AgentSessionId = null,
        AgentLabels = [],
    };

    private static async Task<(string Zone, string Path, string Version)> SceneAsync(ApiHost api)
    {
        var zone = await api.ZoneAsync();
        var content = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\napp_ids := {\"p\": \"a\"}\ngrants := {}\n";
        var policy = await api.PostAsync($"/v1/zones/{zone}/policies", JsonSerializer.Serialize(new { name = "p", content }));
        var set = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"s"}""")).Get("id");
        var made = await api.PostAsync($"/v1/zones/{zone}/policy-sets/{set}/versions", $$"""{"manifest":[{"policy_version_id":"{{policy.Get("version_id")}}"}]}""");
        Assert.True(made.Status == 201, made.Text);
        return (zone, $"/v1/zones/{zone}/policy-sets/{set}", made.Get("version_id"));
    }
}
