using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;

namespace Caracal.Coordinator.Tests.AgentServices;

/// <summary>coordinator.md 7, and the heartbeat that carries a service's health (6), on each engine.</summary>
public sealed class AgentServiceTests
{
    private const string Services = "/zones/z1/agent-services";
    private const string Body =
        """{"application_id":"app1","endpoint_url":"https://a.example/agent","protocol_versions":["1"],"framework":{"name":"f","version":"2"},"capabilities":["c"],"metadata":{"k":1}}""";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Registers_an_endpoint_once_and_lists_it(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(engine: engine);
        var first = await coordinator.PostAsync(Services, coordinator.App1, Body);
        Assert.Equal((201, "starting", "f"), (first.Status, Text(first, "health"), Text(first, "framework_name")));
        var id = Text(first, "id");

        var session = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
        var beat = await coordinator.PostAsync($"/zones/z1/agents/{session}/heartbeat", coordinator.App1,
            $$"""{"lease_generation":1,"status":"degraded","service_id":"{{id}}","metadata":{"load":2} }""");
        Assert.Equal(("degraded", """{"k":1,"load":2}"""), (
            beat.Json.GetProperty("service").GetProperty("health").GetString(),
            beat.Json.GetProperty("service").GetProperty("metadata_json").GetRawText().Replace(" ", "", StringComparison.Ordinal)));

        // Registering again keeps the id and the health, and changes the rest.
        var again = await coordinator.PostAsync(Services, coordinator.App1, """{"application_id":"app1","endpoint_url":"https://a.example/agent"}""");
        Assert.Equal((201, id, "degraded"), (again.Status, Text(again, "id"), Text(again, "health")));
        Assert.Equal(0, again.Json.GetProperty("capabilities").GetArrayLength());

        var other = await coordinator.PostAsync(Services, coordinator.Token("app2"), """{"application_id":"app2","endpoint_url":"https://a.example/agent"}""");
        Assert.NotEqual(id, Text(other, "id"));
        var page = await coordinator.GetAsync($"{Services}?limit=1", TestSettings.OperatorToken);
        Assert.Equal(Text(other, "id"), page.Json.GetProperty("next_cursor").GetString());
        var rest = await coordinator.GetAsync($"{Services}?cursor={Text(other, "id")}", coordinator.App1);
        Assert.Equal(id, rest.Json.GetProperty("items")[0].GetProperty("id").GetString());
        (await coordinator.GetAsync($"{Services}?cursor=unknown", coordinator.App1)).AssertRefused(400, "invalid_cursor");
    }

    [Fact]
    public async Task Refuses_foreign_applications_and_bad_urls()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        (await coordinator.PostAsync(Services, coordinator.Token("app2"), Body)).AssertRefused(403, "application_ownership_required");
        (await coordinator.PostAsync(Services, coordinator.Token("app1", "coordinator.spawn_for:gone"), Body.Replace("app1", "gone", StringComparison.Ordinal)))
            .AssertRefused(404, "application_not_found");
        foreach (var url in new[] { "no url", "https://user:pw@a.example/", "" })
        {
            var bad = await coordinator.PostAsync(Services, coordinator.App1, $$"""{"application_id":"app1","endpoint_url":"{{url}}"}""");
            bad.AssertRefused(400, "invalid_body");
        }

        (await coordinator.PostAsync(Services, coordinator.App1, """{"application_id":"app1","endpoint_url":"https://a","framework":{"version":"1"}}"""))
            .AssertRefused(400, "invalid_body");
        (await coordinator.PostAsync(Services, TestSettings.OperatorToken, Body)).AssertRefused(401, "invalid_token");
    }

    [Fact]
    public async Task Rolls_a_heartbeat_back_that_names_another_applications_service()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var foreign = Text(await coordinator.PostAsync(Services, coordinator.Token("app2"), Body.Replace("app1", "app2", StringComparison.Ordinal)), "id");
        var session = await coordinator.StartSessionAsync(more: ",\"lifecycle\":\"service\"");
        var before = await coordinator.ScalarAsync<long>("SELECT heartbeat_deadline_at FROM sessions WHERE id = @session", new { session });
        coordinator.Time.Advance(TimeSpan.FromSeconds(5));
        (await coordinator.PostAsync($"/zones/z1/agents/{session}/heartbeat", coordinator.App1, $$"""{"lease_generation":1,"service_id":"{{foreign}}"}"""))
            .AssertRefused(404, "agent_service_not_found");
        Assert.Equal(before, await coordinator.ScalarAsync<long>("SELECT heartbeat_deadline_at FROM sessions WHERE id = @session", new { session }));
        Assert.Equal("starting", await coordinator.ScalarAsync<string>("SELECT health FROM agent_services WHERE id = @foreign", new { foreign }));
    }

    private static string? Text(Answer answer, string name) => answer.Json.GetProperty(name).GetString();
}
