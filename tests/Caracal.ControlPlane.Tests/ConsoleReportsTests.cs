using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Storage;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>The console tells the API of itself and its keys, and of nothing else (operations.md 4.2).</summary>
public sealed class ConsoleReportsTests
{
    private const string Bearer = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    private const string Metrics = "0123456789fedcba0123456789fedcba0123456789fedcba0123456789fedcba";
    private const string Path = "/internal/instances";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Keeps_who_lives_and_answers_what_the_registry_says_of_each_key(Engine engine)
    {
        await using var api = await StartAsync(engine);
        var first = await api.PostAsync(Path, Report(), Bearer);
        Assert.True(first.Status == 200, first.Text);
        Assert.Equal("""{"states":{"auth-secret":"active"}}""", first.Text);
        Assert.Equal("""{"states":{"auth-secret":null}}""", (await api.PostAsync(Path, Report(current: "sid_00000000000000b2"), Bearer)).Text);

        await api.PostAsync(Path, Report(current: "sid_00000000000000a1"), Bearer);
        var row = Assert.Single(await InstancesAsync(api));
        Assert.Equal(("console", "host-1", true), (row.GetProperty("service").GetString(), row.GetProperty("instance").GetString(), row.GetProperty("live").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, row.GetProperty("address").ValueKind);
        Assert.Equal("sid_00000000000000a1", row.GetProperty("key_slots").GetProperty("auth-secret").GetProperty("current").GetString());
        var key = (await api.GetAsync("/v1/operations/keys")).Json.GetProperty("items").EnumerateArray().Single(key => key.GetProperty("class").GetString() == "auth-secret");
        Assert.Equal(("sid_00000000000000a1", 1), (key.GetProperty("current").GetString(), key.GetProperty("instances").GetProperty("in_sync").GetInt32()));

        Assert.Equal("""{"states":{}}""", (await api.PostAsync(Path, Report(stopped: true), Bearer)).Text);
        Assert.False(Assert.Single(await InstancesAsync(api)).GetProperty("live").GetBoolean());
    }

    // A scraper that could report a console would hold rotations up, and name the first secret of a new deployment.
    [Theory]
    [InlineData(null)]
    [InlineData(ApiHost.AdminToken)]
    [InlineData(Metrics)]
    public async Task Refuses_whoever_has_not_the_token_of_consoles(string? token)
    {
        await using var api = await StartAsync(Engine.Sqlite);
        Assert.Equal((401, "unauthorized"), Seen(await api.PostAsync(Path, Report(), token)));
        Assert.Empty(await InstancesAsync(api));
        Assert.Equal("""{"states":{"auth-secret":"active"}}""", (await api.PostAsync(Path, Report(current: "sid_00000000000000c3"), Bearer)).Text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(Metrics)]
    [InlineData(Bearer)]
    public async Task Takes_no_report_where_consoles_have_no_token_not_even_in_dev(string? token)
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?>(StringComparer.Ordinal) { ["METRICS_BEARER"] = Metrics });
        Assert.Equal((401, "unauthorized"), Seen(await api.PostAsync(Path, Report(), token)));
        Assert.Empty(await InstancesAsync(api));
    }

    [Fact]
    public async Task Takes_reports_with_every_slot_of_the_token_while_it_rotates()
    {
        const string Next = "00112233445566778899aabbccddeeff00112233445566778899aabbccddee01";
        const string Old = "00112233445566778899aabbccddeeff00112233445566778899aabbccddee02";
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["CONSOLE_REPORT_TOKEN"] = Bearer,
            ["CONSOLE_REPORT_TOKEN_NEXT"] = Next,
            ["CONSOLE_REPORT_TOKEN_PREVIOUS"] = Old,
        });
        foreach (var token in (string[])[Bearer, Next, Old]) Assert.Equal(200, (await api.PostAsync(Path, Report(), token)).Status);
    }

    [Theory]
    [InlineData("service", "\"sts\"")]
    [InlineData("service", "7")]
    [InlineData("instance", "\"a b\"")]
    [InlineData("mode", "\"mad\"")]
    [InlineData("started_at", "\"yesterday\"")]
    [InlineData("stopped", "\"no\"")]
    [InlineData("key_slots", "[]")]
    [InlineData("key_slots", """{"admin-token":{"current":"sid_00000000000000a1","next":null,"previous":[],"source":"file","loaded_at":"2026-01-02T03:04:05Z"}}""")]
    [InlineData("key_slots", """{"auth-secret":{"current":"the value itself","next":null,"previous":[],"source":"file","loaded_at":"2026-01-02T03:04:05Z"}}""")]
    [InlineData("key_slots", """{"auth-secret":{"current":"sid_00000000000000a1","next":null,"previous":["x"],"source":"file","loaded_at":"2026-01-02T03:04:05Z"}}""")]
    [InlineData("key_slots", """{"auth-secret":{"current":"sid_00000000000000a1"}}""")]
    public async Task Refuses_what_is_no_report_of_a_console(string member, string value)
    {
        await using var api = await StartAsync(Engine.Sqlite);
        var body = JsonNode.Parse(Report())!.AsObject();
        body[member] = JsonNode.Parse(value);
        Assert.Equal((400, "invalid_instance_report"), Seen(await api.PostAsync(Path, body.ToJsonString(), Bearer)));
        Assert.Equal((400, "invalid_instance_report"), Seen(await api.PostAsync(Path, "[]", Bearer)));
        Assert.Equal(413, (await api.PostAsync(Path, $"\"{new string('x', 20_000)}\"", Bearer)).Status);
        Assert.Empty(await InstancesAsync(api));
    }

    private static Task<ApiHost> StartAsync(Engine engine) =>
        ApiHost.StartAsync(new Dictionary<string, string?>(StringComparer.Ordinal) { ["CONSOLE_REPORT_TOKEN"] = Bearer, ["METRICS_BEARER"] = Metrics }, engine: engine);

    private static async Task<IReadOnlyList<JsonElement>> InstancesAsync(ApiHost api) =>
        [.. (await api.GetAsync("/v1/operations/instances")).Json.GetProperty("items").EnumerateArray()];

    private static (int, string?) Seen(Reply reply) => (reply.Status, reply.Error);

    private static string Report(string current = "sid_00000000000000a1", bool stopped = false) => JsonSerializer.Serialize(new Dictionary<string, object?>(StringComparer.Ordinal)
    {
        ["service"] = "console",
        ["instance"] = "host-1",
        ["version"] = "1.0.0",
        ["mode"] = "dev",
        ["address"] = "http://127.0.0.1:3001",
        ["started_at"] = "2026-01-02T03:04:05Z",
        ["stopped"] = stopped,
        ["key_slots"] = JsonNode.Parse("{\"auth-secret\":{\"current\":\"" + current + "\",\"key_id\":null,\"next\":null,\"previous\":[],\"source\":\"file\",\"loaded_at\":\"2026-01-02T03:04:05.000Z\"}}"),
    });
}
