using System.Collections.Concurrent;
using System.Net;
using Caracal.ControlPlane.NotificationSinks;
using Caracal.Hosting.Settings;
using Caracal.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Tests;

public sealed class NotificationSinksTests
{
    [Fact]
    public void Signs_the_specifications_vector() => Assert.Equal(
        "v1=47cba18a302568bfa946b660250d611c2503f21d8d5c99516e5087f546e55eae",
        NotificationMessage.Sign(
            "nsk_000102030405060708090a0b0c0d0e0f1011121314151617",
            1767268800,
            """{"id":"e1","type":"step_up_issued","zone_id":"z1","decision":"pending","occurred_at":"2026-01-01T12:00:00.000Z","data":{"tier":"high"}}"""));

    [Theory]
    [InlineData("""{"url":"https://hook.example"}""", "invalid_sink")]
    [InlineData("""{"name":"s"}""", "invalid_sink")]
    [InlineData("""{"name":"s","url":"https://hook.example","x":1}""", "invalid_sink")]
    [InlineData("""{"name":"s","url":"https://hook.example","event_types":[]}""", "invalid_sink")]
    [InlineData("""{"name":"s","url":"https://hook.example","event_types":["credential_revealed"]}""", "invalid_sink")]
    [InlineData("""{"name":"s","url":"http://hook.example"}""", "invalid_sink_url")]
    [InlineData("""{"name":"s","url":"https://u@hook.example"}""", "invalid_sink_url")]
    [InlineData("""{"name":"s","url":"https://169.254.169.254/x"}""", "invalid_sink_url")]
    [InlineData("""{"name":"s","url":"https://10.0.0.1/x"}""", "invalid_sink_url")]
    [InlineData("""{"name":"s","url":"ftp://hook.example"}""", "invalid_sink_url")]
    public async Task Refuses_sinks_that_break_the_rules(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var refused = await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/notification-sinks", body);
        Assert.Equal((400, code), (refused.Status, refused.Error));
    }

    [Fact]
    public async Task Lets_a_published_deployment_call_itself_only_when_its_operator_opened_that()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["CARACAL_PRIVATE_EGRESS_HOSTS"] = "10.1.2.3" });
        var path = $"/v1/zones/{await api.ZoneAsync()}/notification-sinks";
        Assert.Equal(201, (await api.PostAsync(path, """{"name":"in","url":"https://10.1.2.3/x"}""")).Status);
        Assert.Equal(201, (await api.PostAsync(path, """{"name":"dev","url":"http://localhost:1/x"}""")).Status);
        var published = new SinkPlaces(ControlPlaneSettings.Read(new SettingsReader(SettingsTests.Published(), ControlPlaneSettings.Role)));
        Assert.False(published.IsPlace("http://localhost:1/x"));
        Assert.False(published.IsPlace("https://127.0.0.1/x"));
    }

    [Fact]
    public async Task Keeps_shows_changes_and_deletes_a_zones_sinks()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/notification-sinks";
        var made = await api.PostAsync(path, """{"name":"s","url":"https://hook.example/a"}""");
        Assert.Equal(201, made.Status);
        Assert.Matches("^nsk_[0-9a-f]{48}$", made.Get("secret"));
        Assert.Equal("""["step_up_issued","step_up_decided","step_up_consumed"]""", made.Json.GetProperty("event_types").GetRawText());
        var one = $"{path}/{made.Get("id")}";
        Assert.DoesNotContain("nsk_", (await api.GetAsync(one)).Text, StringComparison.Ordinal);
        await api.ExecuteAsync("UPDATE notification_sinks SET consecutive_failures = 3, last_error = 'x'");
        var changed = await api.PatchAsync(one, """{"url":"https://hook.example/b","active":false,"event_types":["step_up_decided"]}""");
        Assert.Equal((0, false), (changed.Json.GetProperty("consecutive_failures").GetInt32(), changed.Json.GetProperty("active").GetBoolean()));
        Assert.Equal("no_fields", (await api.PatchAsync(one, "{}")).Error);
        Assert.NotEqual(made.Get("secret"), (await api.PostAsync($"{one}/rotate-secret")).Get("secret"));
        Assert.Equal("[]", (await api.GetAsync($"{one}/deliveries")).Json.GetProperty("items").GetRawText());
        foreach (var missing in (string[])[$"{path}/x", $"{path}/x/deliveries"]) Assert.Equal("sink_not_found", (await api.GetAsync(missing)).Error);
        for (var i = 1; i < 20; i++) Assert.Equal(201, (await api.PostAsync(path, $$"""{"name":"{{i}}","url":"https://hook.example"}""")).Status);
        Assert.Equal("sink_limit_reached", (await api.PostAsync(path, """{"name":"21","url":"https://hook.example"}""")).Error);
        Assert.Equal(204, (await api.DeleteAsync(one)).Status);
        Assert.Equal("sink_not_found", (await api.DeleteAsync(one)).Error);
        Assert.DoesNotContain("secret_ct", (await api.GetAsync(path)).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Delivers_each_event_signed_and_once(Engine engine)
    {
        await using var hook = await Hook.StartAsync();
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        await EventAsync(api, zone, "before", 1, "step_up_issued");
        var sink = await api.PostAsync($"/v1/zones/{zone}/notification-sinks", $$"""{"name":"s","url":"{{hook.Url}}","event_types":["step_up_issued"]}""");
        await EventAsync(api, zone, "wanted", 2, "step_up_issued");
        await EventAsync(api, zone, "other", 3, "step_up_decided");
        Assert.Equal(1, await api.Service.Notifications.RunAsync(CancellationToken.None));
        Assert.Equal(0, await api.Service.Notifications.RunAsync(CancellationToken.None));
        var (headers, body) = Assert.Single(hook.Received);
        Assert.Equal($$$"""{"id":"wanted","type":"step_up_issued","zone_id":"{{{zone}}}","decision":"pending","occurred_at":"2026-01-01T00:00:00.000Z","data":{"tier":"high"}}""", body);
        Assert.Equal(NotificationMessage.Sign(sink.Get("secret"), long.Parse(headers["X-Caracal-Timestamp"]), body), headers["X-Caracal-Signature"]);
        Assert.Equal(("step_up_issued", sink.Get("id")), (headers["X-Caracal-Event"], headers["X-Caracal-Sink"]));
        var delivery = (await api.GetAsync($"/v1/zones/{zone}/notification-sinks/{sink.Get("id")}/deliveries")).Json.GetProperty("items")[0];
        Assert.Equal(headers["X-Caracal-Delivery"], delivery.GetProperty("id").GetString());
        Assert.Equal((1, 200), (delivery.GetProperty("attempts").GetInt32(), delivery.GetProperty("response_status").GetInt32()));
        Assert.NotNull(delivery.GetProperty("delivered_at").GetString());
    }

    [Fact]
    public async Task Tries_again_later_each_time_and_gives_up_after_eight()
    {
        await using var hook = await Hook.StartAsync();
        hook.Status = 500;
        var time = new MovableTime();
        await using var api = await ApiHost.StartAsync(time: time);
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/notification-sinks";
        path += "/" + (await api.PostAsync(path, $$"""{"name":"s","url":"{{hook.Url}}"}""")).Get("id");
        await EventAsync(api, zone, "e", 1, "step_up_issued");
        for (var attempt = 1; attempt <= 8; attempt++)
        {
            Assert.Equal(1, await api.Service.Notifications.RunAsync(CancellationToken.None));
            Assert.Equal(0, await api.Service.Notifications.RunAsync(CancellationToken.None));
            time.Advance(TimeSpan.FromSeconds(Math.Min(900, 30 * (1 << (attempt - 1))) * 1.3));
        }

        Assert.Equal(0, await api.Service.Notifications.RunAsync(CancellationToken.None));
        var delivery = (await api.GetAsync($"{path}/deliveries")).Json.GetProperty("items")[0];
        Assert.NotNull(delivery.GetProperty("abandoned_at").GetString());
        Assert.Equal((8, 500), (delivery.GetProperty("attempts").GetInt32(), delivery.GetProperty("response_status").GetInt32()));
        Assert.Equal(8, (await api.GetAsync(path)).Json.GetProperty("consecutive_failures").GetInt32());
        Assert.Equal("the sink answered 500", (await api.GetAsync(path)).Get("last_error"));
        time.Advance(TimeSpan.FromDays(8));
        await api.Service.Notifications.RunAsync(CancellationToken.None);
        Assert.Equal("[]", (await api.GetAsync($"{path}/deliveries")).Json.GetProperty("items").GetRawText());
    }

    [Fact]
    public async Task Follows_no_redirect_and_forgets_what_happened_while_a_sink_was_off()
    {
        await using var hook = await Hook.StartAsync();
        hook.Status = 302;
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/notification-sinks";
        path += "/" + (await api.PostAsync(path, $$"""{"name":"s","url":"{{hook.Url}}"}""")).Get("id");
        await EventAsync(api, zone, "redirected", 1, "step_up_issued");
        await api.Service.Notifications.RunAsync(CancellationToken.None);
        Assert.Single(hook.Received);
        Assert.Equal("the sink answered 302", (await api.GetAsync(path)).Get("last_error"));
        await api.PatchAsync(path, """{"active":false}""");
        await EventAsync(api, zone, "missed", 2, "step_up_issued");
        Assert.Equal(0, await api.Service.Notifications.RunAsync(CancellationToken.None));
        await api.PatchAsync(path, """{"active":true}""");
        await EventAsync(api, zone, "heard", 3, "step_up_issued");
        await api.Service.Notifications.RunAsync(CancellationToken.None);
        Assert.Contains("\"heard\"", hook.Received.Last().Body, StringComparison.Ordinal);
        Assert.Equal(2, hook.Received.Count);
    }

    private static Task EventAsync(ApiHost api, string zone, string id, int sequence, string type)
    {
        var time = api.Database.Dialect.Name == "sqlite" ? "1767225600000000" : "to_timestamp(1767225600)";
        return api.ExecuteAsync(
            $$"""
            INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, evaluation_status, determining_policies_json, diagnostics_json,
                                      metadata_json, occurred_at, ingested_at, content_sha256, chain_seq)
            VALUES ('{{id}}', '{{zone}}', '{{type}}', 'r', 'pending', 'complete', '[]', '[]', '{"tier":"high"}', {{time}}, {{time}}, 'x', {{sequence}})
            """);
    }

    private sealed class Hook : IAsyncDisposable
    {
        private readonly WebApplication _application;

        private Hook()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            _application = builder.Build();
            _application.Run(async context =>
            {
                using var reader = new StreamReader(context.Request.Body);
                Received.Enqueue((context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), await reader.ReadToEndAsync()));
                context.Response.StatusCode = Status;
                if (Status == 302) context.Response.Headers.Location = Url;
            });
        }

        public int Status { get; set; } = 200;

        public string Url => _application.Urls.Single().Replace("127.0.0.1", "localhost", StringComparison.Ordinal) + "/hook";

        public ConcurrentQueue<(Dictionary<string, string> Headers, string Body)> Received { get; } = new();

        public static async Task<Hook> StartAsync()
        {
            var hook = new Hook();
            await hook._application.StartAsync();
            return hook;
        }

        public ValueTask DisposeAsync() => _application.DisposeAsync();
    }
}
