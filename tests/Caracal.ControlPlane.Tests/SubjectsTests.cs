using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class SubjectsTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Shows_who_acted_in_a_zone_and_what_one_of_them_holds(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone, "Reports"), "user-1");
        var all = (await api.GetAsync($"/v1/zones/{zone}/subjects")).Json.GetProperty("items");
        Assert.Equal(["someone-else", "user-1"], all.EnumerateArray().Select(row => row.GetProperty("subject_id").GetString()));
        var user = (await api.GetAsync($"/v1/zones/{zone}/subjects?kind=user&search=USER-")).Json.GetProperty("items")[0];
        Assert.Equal(
            (true, 1, 1, 0),
            (user.GetProperty("federated").GetBoolean(), user.GetProperty("total_sessions").GetInt32(), user.GetProperty("active_sessions").GetInt32(), user.GetProperty("revoked_sessions").GetInt32()));
        Assert.Equal("[]", (await api.GetAsync($"/v1/zones/{zone}/subjects?search=%25")).Json.GetProperty("items").GetRawText());
        var first = (await api.GetAsync($"/v1/zones/{zone}/subjects?limit=1")).Json;
        var second = (await api.GetAsync($"/v1/zones/{zone}/subjects?limit=1&cursor={first.GetProperty("next_cursor").GetString()}")).Json;
        Assert.Equal("user-1", second.GetProperty("items")[0].GetProperty("subject_id").GetString());
        foreach (var bad in (string[])["?kind=robot", "?limit=201", "?limit=1&limit=2", $"?cursor={new string('a', 1025)}"])
        {
            Assert.Equal("invalid_query", (await api.GetAsync($"/v1/zones/{zone}/subjects{bad}")).Error);
        }

        var overview = (await api.GetAsync($"/v1/zones/{zone}/subjects/overview?subject_id=user-1")).Json;
        Assert.Equal((1, 1), (overview.GetProperty("governed").GetProperty("active").GetInt32(), overview.GetProperty("governed").GetProperty("recent").GetArrayLength()));
        Assert.Equal("""{"pending":0,"total":0}""", overview.GetProperty("approvals").GetRawText());
        Assert.Equal("subject_not_found", (await api.GetAsync($"/v1/zones/{zone}/subjects/overview?subject_id=x")).Error);
        Assert.Equal("invalid_query", (await api.GetAsync($"/v1/zones/{zone}/subjects/overview")).Error);
        var other = await api.ZoneAsync("Other");
        Assert.Equal("[]", (await api.GetAsync($"/v1/zones/{other}/subjects")).Json.GetProperty("items").GetRawText());
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Sums_up_a_zone(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone), "user-1");
        await api.ProviderAsync(zone);
        var overview = (await api.GetAsync($"/v1/zones/{zone}/overview")).Json;
        Assert.Equal("""{"total":1,"expired":0,"expiring_soon":0}""", overview.GetProperty("applications").GetRawText());
        Assert.Equal("""{"total":1}""", overview.GetProperty("providers").GetRawText());
        Assert.Equal("""{"total":0,"enforcing":0,"active_name":null}""", overview.GetProperty("policy_sets").GetRawText());
        Assert.Equal("""{"active":2}""", overview.GetProperty("sessions").GetRawText());
        Assert.Equal("""{"allowed":0,"denied":0}""", overview.GetProperty("decisions_24h").GetRawText());
        Assert.Equal(JsonValueKind.Array, overview.GetProperty("recent_events").ValueKind);
        Assert.Equal("zone_not_found", (await api.GetAsync("/v1/zones/x/overview")).Error);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Requeues_a_message_that_was_given_up_and_no_other(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone), "user-1");
        await api.PostAsync($"/v1/zones/{zone}/subjects/revoke", """{"subject_id":"user-1"}""");
        var id = (await api.RowsAsync("SELECT id FROM event_outbox LIMIT 1"))[0]["id"];
        Assert.Equal("dead_outbox_not_found", (await api.PostAsync($"/v1/outbox/{id}/requeue")).Error);
        await api.ExecuteAsync($"UPDATE event_outbox SET attempts = 100, available_at = {api.Database.Dialect.Infinity} WHERE id = '{id}'");
        Assert.Equal($$"""{"id":"{{id}}","state":"pending"}""", (await api.PostAsync($"/v1/outbox/{id}/requeue")).Text);
        Assert.Equal("0", (await api.RowsAsync($"SELECT attempts FROM event_outbox WHERE id = '{id}'"))[0]["attempts"]);
        Assert.Equal("admin_token_zone_mismatch", (await api.PostAsync($"/v1/outbox/{id}/requeue", token: await api.TokenAsync(zone))).Error);
    }
}
