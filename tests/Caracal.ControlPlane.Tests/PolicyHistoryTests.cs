using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class PolicyHistoryTests
{
    private const string Head = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\n";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Shows_what_changes_between_two_versions_line_by_line(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var (path, versions) = await HistoryAsync(api);
        var diff = (await api.GetAsync($"{path}/versions/{versions[1]}/diff?against={versions[0]}")).Json;
        Assert.Equal((1, 2), (diff.GetProperty("from").GetProperty("version").GetInt32(), diff.GetProperty("to").GetProperty("version").GetInt32()));
        var changed = Assert.Single(diff.GetProperty("changed").EnumerateArray());
        Assert.Equal("grants", changed.GetProperty("name").GetString());
        Assert.Equal(
            [" # caracal:data-document", " package caracal.authz", " import rego.v1", "-grants := {}", "+grants := {\"a\": {}}", " "],
            changed.GetProperty("lines").EnumerateArray().Select(line => line.GetString()));
        Assert.Equal("restrict", Assert.Single(diff.GetProperty("added").EnumerateArray()).GetProperty("name").GetString());
        Assert.Empty(diff.GetProperty("removed").EnumerateArray());

        // Without another to compare with, the active one is taken.
        Assert.Equal("active_policy_set_version_not_found", (await api.GetAsync($"{path}/versions/{versions[1]}/diff")).Error);
        await api.PostAsync($"{path}/activate", $$"""{"version_id":"{{versions[1]}}"}""");
        var back = (await api.GetAsync($"{path}/versions/{versions[0]}/diff")).Json;
        Assert.Equal("restrict", Assert.Single(back.GetProperty("removed").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(2, (await api.GetAsync($"{path}/versions/{versions[1]}/diff")).Json.GetProperty("unchanged").GetInt32());
        Assert.Equal("policy_set_version_not_found", (await api.GetAsync($"{path}/versions/{versions[1]}/diff?against=x")).Error);
        Assert.Equal("policy_set_not_found", (await api.GetAsync($"{path}x/versions/{versions[1]}/diff?against={versions[0]}")).Error);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Goes_back_to_an_earlier_version_in_one_call(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var (path, versions) = await HistoryAsync(api);
        Assert.Equal("active_policy_set_version_not_found", (await api.PostAsync($"{path}/rollback", "{}")).Error);
        await api.PostAsync($"{path}/activate", $$"""{"version_id":"{{versions[2]}}"}""");
        Assert.Equal("rollback_not_earlier", (await api.PostAsync($"{path}/rollback", $$"""{"version_id":"{{versions[2]}}"}""")).Error);
        Assert.Equal("version_not_found", (await api.PostAsync($"{path}/rollback", """{"version_id":"x"}""")).Error);
        Assert.Equal("invalid_body", (await api.PostAsync($"{path}/rollback", """{"version":1}""")).Error);
        var back = await api.PostAsync($"{path}/rollback");
        Assert.Equal(202, back.Status);
        Assert.Equal((versions[1], versions[2]), (back.Get("version_id"), back.Get("rolled_back_from")));
        Assert.Equal(versions[1], (await api.GetAsync(path)).Get("active_version_id"));
        Assert.Equal("waiting_for_outbox", (await api.GetAsync(back.Get("status_url"))).Get("propagation_status"));
        Assert.Equal(202, (await api.PostAsync($"{path}/rollback", $$"""{"version_id":"{{versions[0]}}"}""")).Status);
        Assert.Equal("no_earlier_version", (await api.PostAsync($"{path}/rollback")).Error);
        Assert.Equal(3, (await api.RowsAsync("SELECT id FROM event_outbox WHERE stream_name = 'caracal.policy.invalidate'")).Count);
    }

    private static async Task<(string Path, string[] Versions)> HistoryAsync(ApiHost api)
    {
        var zone = await api.ZoneAsync();
        async Task<Reply> PolicyAsync(string name, string body) => await api.PostAsync(
            $"/v1/zones/{zone}/policies", JsonSerializer.Serialize(new { name, content = Head + body + "\n" }));
        var grants = await PolicyAsync("grants", "grants := {}");
        var restrict = await PolicyAsync("restrict", "restrict := {}");
        var second = await api.PostAsync(
            $"/v1/zones/{zone}/policies/{grants.Get("id")}/versions", JsonSerializer.Serialize(new { content = Head + "grants := {\"a\": {}}\n" }));
        var set = (await api.PostAsync($"/v1/zones/{zone}/policy-sets", """{"name":"s"}""")).Get("id");
        var path = $"/v1/zones/{zone}/policy-sets/{set}";
        var versions = new List<string>();
        foreach (var manifest in (string[][])[[grants.Get("version_id")], [second.Get("version_id"), restrict.Get("version_id")], [second.Get("version_id")]])
        {
            var made = await api.PostAsync($"{path}/versions", JsonSerializer.Serialize(new { manifest = manifest.Select(id => new { policy_version_id = id }) }));
            Assert.Equal(201, made.Status);
            versions.Add(made.Get("version_id"));
        }

        return (path, [.. versions]);
    }
}
