using System.Diagnostics;
using System.Text.Json;
using Caracal.Protocol.Mandates;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.TestKit;
using static Caracal.ControlPlane.Tests.Control.ControlDesk;

namespace Caracal.ControlPlane.Tests.Control;

/// <summary>The checks of an invoke in their order (control.md 2, black-box checks 1 to 6 and 11 to 15).</summary>
public sealed class ControlInvokeTests
{
    [Fact]
    public async Task Says_to_who_may_read_metrics_that_a_token_works_once_and_whether_its_gate_is_open()
    {
        const string Bearer = "metrics-bearer-0123456789-abcdefghijkl";
        await using var desk = await ControlDesk.OpenAsync(new Dictionary<string, string?> { ["METRICS_BEARER"] = Bearer, ["CONTROL_RATE_CAPACITY"] = "2" });
        Assert.Equal(404, (await desk.Api.PostAsync("/internal/selftest/control", "{}")).Status);
        for (var i = 0; i < 3; i++) // it empties nobody's bucket
        {
            var told = await desk.Api.PostAsync("/internal/selftest/control", "{}", Bearer);
            Assert.Equal((200, true, true), (told.Status, told.Json.GetProperty("replay_refused").GetBoolean(), told.Json.GetProperty("gate_open").GetBoolean()));
        }

        File.Delete(desk.Gate);
        Assert.False((await desk.Api.PostAsync("/internal/selftest/control", "{}", Bearer)).Json.GetProperty("gate_open").GetBoolean());
    }

    [Fact]
    public async Task Is_shut_until_its_gate_file_is_there_and_needs_no_restart_to_open()
    {
        await using var desk = await OpenAsync();
        File.Delete(desk.Gate);
        var shut = await desk.InvokeAsync("app", "list");
        Assert.Equal((503, "control_disabled"), Code(shut));
        Assert.Equal("1", shut.Header("retry-after"));
        await File.WriteAllTextAsync(desk.Gate, "");
        Assert.Equal(200, (await desk.InvokeAsync("app", "list")).Status);
    }

    [Theory]
    [InlineData("STS_JWKS_URL")]
    [InlineData("STS_ISSUER_URL")]
    [InlineData("CONTROL_API_TOKEN")]
    public async Task Does_not_start_without_what_it_needs(string name)
    {
        var fault = await Assert.ThrowsAsync<Hosting.Settings.SettingsException>(() => OpenAsync(new Dictionary<string, string?> { [name] = null }));
        Assert.Contains($"{name} is required while CARACAL_CONTROL_ENABLED=true", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("requirement", "R126")]
    [InlineData("True")]
    [InlineData("1")]
    [InlineData("yes")]
    [InlineData("")]
    public async Task Is_not_there_unless_enabled_by_the_exact_word(string value)
    {
        await using var desk = await OpenAsync(new Dictionary<string, string?> { ["CARACAL_CONTROL_ENABLED"] = value, ["CONTROL_API_TOKEN"] = null });
        var reply = await desk.InvokeAsync("app", "list");
        Assert.Equal((404, "Route POST:/v1/control/invoke not found"), (reply.Status, reply.Get("message")));
    }

    [Fact]
    [Trait("requirement", "R126")]
    public async Task Takes_only_a_live_control_token_of_its_own()
    {
        await using var desk = await OpenAsync();
        var good = desk.Claims("control:app:read");
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string?[] bad =
        [
            null, "no.token", ApiHost.AdminToken, desk.Sign(good, foreign: true), desk.Sign(good, algorithm: "HS256"), desk.Sign(good)[..^4],
            desk.Sign(good with { Issuer = "http://elsewhere" }), desk.Sign(good with { Audience = ["caracal-control2"] }),
            desk.Sign(good with { Audience = ["caracal-control", "other"] }), desk.Sign(good with { Use = MandateUse.Session }),
            desk.Sign(good with { ExpiresAt = now - 61 }), desk.Sign(good with { IssuedAt = now + 120 }),
            desk.Sign(good with { Subject = null }), desk.Sign(good with { Jti = "" }), desk.Sign(good with { ZoneId = "z/1" }), desk.Sign(good with { ZoneId = "elsewhere" }),
            desk.Token("control:app:read", subject: "unknown"), desk.Token("control:app:read", subject: await desk.Api.ApplicationAsync(desk.Zone, "no key")),
        ];
        foreach (var token in bad)
        {
            Assert.Equal((401, "unauthorized"), Code(await desk.SendAsync(token, """{"command":"app","subcommand":"list"}""")));
        }

        Assert.Equal(200, (await desk.SendAsync(desk.Sign(good), """{"command":"app","subcommand":"list"}""")).Status);
    }

    [Fact]
    public async Task A_token_dies_with_its_key_and_with_its_authority()
    {
        await using var desk = await OpenAsync();
        var dead = await desk.KeyAsync("dead");
        Assert.Equal(204, (await desk.Api.DeleteAsync($"/v1/zones/{desk.Zone}/applications/{dead}")).Status);
        Assert.Equal((401, "unauthorized"), Code(await desk.InvokeAsync("app", "list", subject: dead)));
        await Authority.SeedAsync(desk.Api, desk.Zone, desk.Key);
        var token = desk.Claims("control:app:read") with { Sid = "rec-1" };
        Assert.Equal(200, (await desk.SendAsync(desk.Sign(token with { Jti = "a" }), """{"command":"app","subcommand":"list"}""")).Status);
        Assert.Equal(200, (await desk.Api.PostAsync($"/v1/zones/{desk.Zone}/kill-switch", $$"""{"application_id":"{{desk.Key}}"}""")).Status);
        Assert.Equal((401, "unauthorized"), Code(await desk.SendAsync(desk.Sign(token with { Jti = "b" }), """{"command":"app","subcommand":"list"}""")));
    }

    [Fact]
    public async Task A_token_and_a_bucket_are_spent_for_all_replicas()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite, Storage.Privileges.ServiceRole.Api);
        using var shared = new InProcessState(TimeProvider.System);
        var limits = new Dictionary<string, string?> { ["CONTROL_RATE_CAPACITY"] = "3", ["CONTROL_RATE_WINDOW_SEC"] = "3600" };
        await using var one = await OpenAsync(limits, shared: shared, store: store);
        var more = new Dictionary<string, string?>(limits)
        {
            ["CARACAL_CONTROL_ENABLED"] = "true",
            ["CONTROL_GATE_FILE"] = one.Gate,
            ["STS_JWKS_URL"] = "http://localhost:8080/j",
            ["STS_ISSUER_URL"] = "http://localhost:8080",
            ["CONTROL_API_TOKEN"] = ApiHost.AdminToken,
        };
        await using var two = await ApiHost.StartAsync(more, store, shared: shared, zoneKeys: one);
        const string Body = """{"command":"app","subcommand":"list"}""";
        var token = one.Token("control:app:read");
        Assert.Equal(200, (await one.SendAsync(token, Body)).Status);
        Assert.Equal((401, "token_replay"), Code(await two.PostAsync("/v1/control/invoke", Body, token)));
        Assert.Equal(200, (await two.PostAsync("/v1/control/invoke", Body, one.Token("control:app:read"))).Status);
        var late = one.Token("control:app:read");
        Assert.Equal((429, "rate_limited"), Code(await one.SendAsync(late, Body)));

        // Another subject has a bucket of its own.
        Assert.Equal(200, (await one.InvokeAsync("app", "list", subject: await one.KeyAsync("other"))).Status);
    }

    [Fact]
    public async Task Allows_a_subject_sixty_invokes_at_once()
    {
        await using var desk = await OpenAsync();
        var (allowed, status, since) = (-1, 403, Stopwatch.StartNew());
        for (; allowed < 200 && status == 403; allowed++) status = (await desk.InvokeAsync("nothing", "")).Status;
        Assert.Equal(429, status);
        Assert.InRange(allowed, 60, 60 + (int)since.Elapsed.TotalSeconds); // another one with every second
    }

    [Fact]
    public async Task Executes_nothing_while_it_cannot_count()
    {
        await using var desk = await OpenAsync(shared: new Away());
        foreach (var address in (string[])["120", "0"])
        {
            await using var other = await OpenAsync(new Dictionary<string, string?> { ["CONTROL_INVOKE_IP_RATE_LIMIT_PER_MIN"] = address }, shared: new Away());
            var reply = await other.InvokeAsync("app", "create", new { name = "x" });
            Assert.Equal((503, "unavailable", "1"), (reply.Status, Code(reply).Code, reply.Header("retry-after")));
            Assert.Equal("1", (await other.Api.RowsAsync("SELECT count(*) AS n FROM applications"))[0]["n"]);
        }
    }

    [Fact]
    public async Task Refuses_an_address_that_knocks_too_often()
    {
        await using var desk = await OpenAsync(new Dictionary<string, string?> { ["CONTROL_INVOKE_IP_RATE_LIMIT_PER_MIN"] = "2" });
        var statuses = new List<int>();
        for (var i = 0; i < 5; i++) statuses.Add((await desk.SendAsync(null, "{}")).Status);
        Assert.Contains(401, statuses);
        Assert.Contains(429, statuses);
    }

    [Fact]
    public async Task Does_what_the_scopes_allow_and_no_more()
    {
        await using var desk = await OpenAsync();
        Assert.Equal(200, (await desk.InvokeAsync("app", "list", scopes: "control:app:read")).Status);
        Assert.Equal((403, "denied", "missing scope control:app:write"), Refusal(await desk.InvokeAsync("app", "create", new { name = "x" }, "control:app:read")));
        Assert.Equal((403, "denied", "unknown command"), Refusal(await desk.InvokeAsync("zone", "list", scopes: "control:app:read")));
        Assert.Equal((403, "denied", "unknown subcommand"), Refusal(await desk.InvokeAsync("app", "explode", scopes: "control:app:read")));
        Assert.Equal((403, "denied", "unknown command"), Refusal(await desk.SendAsync(desk.Token(AllScopes), "{}")));
        Assert.Single(await desk.Api.RowsAsync($"SELECT id FROM applications WHERE zone_id = '{desk.Zone}'"));
    }

    [Fact]
    public async Task Refuses_flags_out_of_bounds()
    {
        await using var desk = await OpenAsync();
        object[] bad =
        [
            Enumerable.Range(0, 33).ToDictionary(i => $"f{i}", _ => 1), new { name = new { a = 1 } }, new { name = new string('x', 131_073) },
            new { name = Enumerable.Repeat("a", 65) }, new { name = new object[] { new[] { 1 } } }, new Dictionary<string, int> { [new string('k', 65)] = 1 }, new Dictionary<string, int> { [""] = 1 },
        ];
        foreach (var flags in bad) Assert.Equal((400, "invalid"), Code(await desk.InvokeAsync("app", "create", flags)));
        Assert.Equal((400, "invalid", "flag \"name\" is required"), Refusal(await desk.InvokeAsync("app", "create")));

        // What is no object is no flags at all.
        Assert.Equal(200, (await desk.InvokeAsync("app", "list", new[] { 1 })).Status);
        Assert.Equal(200, (await desk.InvokeAsync("app", "list", Enumerable.Range(0, 32).ToDictionary(i => $"f{i}", _ => 1))).Status);
    }

    [Fact]
    public async Task Answers_bodies_that_are_none_as_the_api_does()
    {
        await using var desk = await OpenAsync();
        Assert.Equal((413, "payload_too_large"), Api(await desk.SendAsync(desk.Token(AllScopes), $$"""{"a":"{{new string('x', 262_144)}}"}""")));
        Assert.Equal((400, "invalid_body"), Api(await desk.SendAsync(desk.Token(AllScopes), "{")));
        static (int, string?) Api(Reply reply) => (reply.Status, reply.Error);
    }

    [Fact]
    public async Task Stays_in_its_zone()
    {
        await using var desk = await OpenAsync();
        var other = await desk.Api.ZoneAsync("Other");
        Assert.Equal(200, (await desk.InvokeAsync("app", "list", headers: ("x-caracal-zone-scope", desk.Zone))).Status);
        foreach (var zone in (string[])[other, "no zone!", new string('a', 65)])
        {
            var (status, code, reason) = Refusal(await desk.InvokeAsync("app", "list", headers: ("x-caracal-zone-scope", zone)));
            Assert.Equal((403, "denied"), (status, code));
            Assert.StartsWith("zone scope:", reason, StringComparison.Ordinal);
        }

        var foreign = await desk.Api.ApplicationAsync(other, "foreign");
        Assert.Equal((404, "not_found", "application_not_found"), Refusal(await desk.InvokeAsync("app", "get", new { id = foreign })));
        Assert.Equal((404, "not_found", "application_not_found"), Refusal(await desk.InvokeAsync("app", "delete", new { id = foreign })));
    }

    [Fact]
    [Trait("requirement", "R126")]
    public async Task Leaves_evidence_of_every_allow_and_every_deny()
    {
        await using var desk = await OpenAsync();
        (string, string) Id(string id) => ("x-request-id", id);
        Assert.Equal(200, (await desk.InvokeAsync("app", "list", headers: Id("r-1"))).Status);
        Assert.Equal(200, (await desk.InvokeAsync("app", "create", new Dictionary<string, string> { ["name"] = "x", ["idempotency-key"] = "i-1" }, headers: Id("r-2"))).Status);
        Assert.Equal(409, (await desk.InvokeAsync("app", "create", new { name = "x" }, headers: Id("r-3"))).Status);
        Assert.Equal(403, (await desk.InvokeAsync("app", "list", scopes: "control:grant:read", headers: Id("r-4"))).Status);
        Assert.Equal(401, (await desk.SendAsync(null, """{"command":"app","subcommand":"list"}""", Id("r-5"))).Status);
        var evidence = (await desk.EvidenceAsync()).ConvertAll(data =>
        {
            string? Meta(string name) => data.GetProperty("metadata_json").GetProperty(name).GetString();
            return string.Join('|', data.GetProperty("request_id"), data.GetProperty("decision"), data.GetProperty("evaluation_status"), data.GetProperty("zone_id"), Meta("subject"), Meta("command"), Meta("subcommand"), Meta("reason"), Meta("idempotency_key"));
        });
        Assert.Equal(
            [
                $"r-1|allow|complete|{desk.Zone}|{desk.Key}|app|list||",
                $"r-2|allow|intended|{desk.Zone}|{desk.Key}|app|create||i-1",
                $"r-2|allow|complete|{desk.Zone}|{desk.Key}|app|create||i-1",
                $"r-3|allow|intended|{desk.Zone}|{desk.Key}|app|create||",
                $"r-3|deny|complete|{desk.Zone}|{desk.Key}|app|create|application_name_taken|",
                $"r-4|deny|complete|{desk.Zone}|{desk.Key}|app|list|missing scope control:app:read|",
                "r-5|deny|complete|unknown|anonymous|app|list||".Replace("list||", "list|the control token is not valid|"),
            ],
            evidence);

        // The ledger of changes names the command's own call and the invoke, under the same request.
        var admin = await desk.Api.RowsAsync("SELECT action, actor_id FROM admin_audit_events WHERE request_id = 'r-2' ORDER BY occurred_at");
        Assert.Equal(["POST /v1/control/invoke", $"POST /v1/zones/{desk.Zone}/applications"], admin.Select(row => row["action"]).Order());
        Assert.Null(admin.Single(row => row["action"] == "POST /v1/control/invoke")["actor_id"]);
    }

    [Fact]
    public async Task Shows_no_secret_in_its_log()
    {
        using var log = new StringWriter();
        await using var desk = await OpenAsync(log: log);
        var created = await desk.InvokeAsync("app", "create", new { name = "x" });
        Assert.Equal("no-store", created.Header("cache-control"));
        var secret = created.Json.GetProperty("result").GetProperty("client_secret").GetString()!;
        var token = desk.Token(AllScopes);
        await desk.SendAsync(token, "{}");
        Assert.DoesNotContain(secret, log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(token, log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(ApiHost.AdminToken, log.ToString(), StringComparison.Ordinal);
    }

    private sealed class Away : ISharedState, ISharedBuckets
    {
        public ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => throw Fault();

        public ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken) => throw Fault();

        public ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken) => throw Fault();

        public ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken) => throw Fault();

        public ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken) => throw Fault();

        public ValueTask DeleteAsync(string key, CancellationToken cancellationToken) => throw Fault();

        public ValueTask PingAsync(CancellationToken cancellationToken) => throw Fault();

        public ValueTask<bool> TakeTokenAsync(string key, int capacity, TimeSpan window, CancellationToken cancellationToken) => throw Fault();

        private static StreamsUnavailableException Fault() => new("away", new IOException("away"));
    }
}
