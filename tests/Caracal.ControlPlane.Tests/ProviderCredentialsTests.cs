using System.Text.Json;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol.Exchange;
using Caracal.Storage.Custody;
using Caracal.Streams.State;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Tests;

/// <summary>A provider's second credential: staged, proven, shifted, retired, or gone back from.</summary>
public sealed class ProviderCredentialsTests
{
    private const string Staged = """{"config_json":{"api_key":"new-key-value"}}""";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_credential_is_staged_proven_shifted_and_retired_and_never_shown(Engine engine)
    {
        await using var scene = await SceneAsync(engine);
        var staged = await scene.PostAsync("stage", Staged);
        Assert.Equal((201, "staged"), (staged.Status, staged.Get("state")));
        Assert.Equal("old-key-value", await scene.InUseAsync());

        scene.Upstream.Answer = context => Respond(context, context.Request.Headers["x-key"] == "new-key-value" ? 200 : 401);
        var proven = await scene.PostAsync("canary");
        Assert.Equal(("proven", "ok"), (proven.Get("state"), proven.Json.GetProperty("canary").GetProperty("status").GetString()));

        var shifted = await scene.PostAsync("shift", """{"version":2,"observe_seconds":60}""");
        Assert.Equal((200, "shifted"), (shifted.Status, shifted.Get("state")));
        Assert.Equal("new-key-value", await scene.InUseAsync());
        Assert.Equal("old-key-value", await scene.OpenAsync("/previous"));
        Assert.Null(await scene.OpenAsync("/staged"));
        var provider = (await scene.Api.GetAsync(scene.Path)).Json;
        Assert.Equal(2, provider.GetProperty("credential_version").GetInt32());
        Assert.NotNull(provider.GetProperty("credential_observed_until").GetString());

        Assert.Equal((409, "observation_open"), Seen(await scene.PostAsync("retire")));
        scene.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("retired", (await scene.PostAsync("retire", """{"version":3}""")).Get("state"));
        Assert.Null(await scene.OpenAsync("/previous"));
        Assert.Equal("new-key-value", await scene.InUseAsync());
        Assert.Null((await scene.Api.GetAsync(scene.Path)).Json.GetProperty("credential_observed_until").GetString());

        // Every step is in both ledgers, and no value anywhere but sealed.
        var steps = await scene.EventsAsync();
        Assert.Equal(["staged", "canary", "shifted", "retired"], steps);
        var audit = await scene.Api.RowsAsync("SELECT action, payload_json FROM admin_audit_events WHERE action LIKE '%/credential/%' AND status_code < 400 ORDER BY chain_seq");
        Assert.Equal(["stage", "canary", "shift", "retire"], audit.Select(row => row["action"]!.ToString()!.Split('/')[^1]));
        foreach (var table in (string[])["admin_audit_events", "event_outbox", "provider_credential_changes", "providers"])
        {
            var text = string.Join('\n', (await scene.Api.RowsAsync($"SELECT * FROM {table}")).SelectMany(row => row.Values.Select(value => value?.ToString())));
            Assert.DoesNotContain("key-value", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(401, 401, "auth_failed")]
    [InlineData(401, 403, "auth_failed")]
    [InlineData(200, 200, "unverified")]
    [InlineData(401, 302, "endpoint_error")]
    [InlineData(401, 500, "endpoint_error")]
    public async Task A_canary_that_proves_nothing_leaves_the_old_credential_in_use(int without, int with, string expected)
    {
        await using var scene = await SceneAsync();
        scene.Upstream.Answer = context => Respond(context, context.Request.Headers.ContainsKey("x-key") ? with : without);
        await scene.PostAsync("stage", Staged);
        var tried = await scene.PostAsync("canary", """{"path":"/reports"}""");
        Assert.Equal(("staged", expected), (tried.Get("state"), tried.Json.GetProperty("canary").GetProperty("status").GetString()));
        Assert.Equal((409, "credential_not_proven"), Seen(await scene.PostAsync("shift")));
        Assert.Equal("old-key-value", await scene.InUseAsync());
        Assert.Equal("discarded", (await scene.PostAsync("discard")).Get("state"));
        Assert.Null(await scene.OpenAsync("/staged"));
        Assert.Equal(201, (await scene.PostAsync("stage", Staged)).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_credential_that_upstreams_refuse_falls_back_once_by_itself_and_says_so(Engine engine)
    {
        await using var scene = await SceneAsync(engine);
        await scene.PostAsync("stage", Staged);
        await scene.PostAsync("shift", """{"force":true,"refusals_allowed":3,"refused_percent":50}""");
        await scene.CountAsync(answers: 4, refusals: 2);
        await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("new-key-value", await scene.InUseAsync());
        await scene.CountAsync(answers: 1, refusals: 1);
        await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("old-key-value", await scene.InUseAsync());
        var ended = (await scene.Api.GetAsync(scene.Path + "/credential")).Json;
        Assert.Equal(("fell_back", 5, 3, true), (
            ended.GetProperty("state").GetString(), ended.GetProperty("answers").GetInt32(), ended.GetProperty("refusals").GetInt32(), ended.GetProperty("forced").GetBoolean()));
        Assert.Equal(["staged", "shifted", "fell_back"], await scene.EventsAsync());
        var audit = await scene.Api.RowsAsync("SELECT actor_name, payload_json FROM admin_audit_events WHERE action LIKE '%/credential/fall-back'");
        Assert.Equal("caracal", audit[0]["actor_name"]);

        // The refusals are still counted, but nothing is left to go back to.
        await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
        Assert.Single(await scene.Api.RowsAsync("SELECT id FROM admin_audit_events WHERE action LIKE '%/credential/fall-back'"));
        Assert.Equal(3, (await scene.Api.GetAsync(scene.Path)).Json.GetProperty("credential_version").GetInt32());
        Assert.Equal((409, "credential_not_shifted"), Seen(await scene.PostAsync("fall-back")));
    }

    [Theory]
    [InlineData(100, 40, "{\"force\":true}")] // not enough of the answers
    [InlineData(100, 100, "{\"force\":true,\"automatic\":false}")]
    public async Task A_credential_stays_where_refusals_are_few_or_nobody_asked_for_a_way_back(int answers, int refusals, string shift)
    {
        await using var scene = await SceneAsync();
        await scene.PostAsync("stage", Staged);
        await scene.PostAsync("shift", shift);
        await scene.CountAsync(answers, refusals);
        await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("new-key-value", await scene.InUseAsync());
        Assert.Equal("fell_back", (await scene.PostAsync("fall-back", """{"reason":"the team saw it"}""")).Get("state"));
        Assert.Equal("old-key-value", await scene.InUseAsync());
    }

    [Fact]
    public async Task A_user_name_moves_with_its_password_there_and_back_and_nothing_else_may_move()
    {
        await using var scene = await SceneAsync(kind: "http_basic", config: """{"username":"old","password":"old-key-value","allowed_token_hosts":["up.example"]}""");
        foreach (var wrong in (string[])
        [
            """{"config_json":{"password":"p","allowed_token_hosts":["evil.example"]}}""", """{"config_json":{"username":"new"}}""", """{"config_json":{"password":""}}""", """{"config_json":{"api_key":"k"}}""",
        ])
        {
            Assert.Equal((400, "invalid_provider_config"), Seen(await scene.PostAsync("stage", wrong)));
        }

        await scene.PostAsync("stage", """{"config_json":{"username":"new","password":"new-key-value"}}""");
        Assert.Equal("old", await NameAsync());
        await scene.PostAsync("shift", """{"force":true}""");
        Assert.Equal("new", await NameAsync());
        await scene.PostAsync("fall-back");
        Assert.Equal("old", await NameAsync());
        Assert.Equal("up.example", (await scene.Api.GetAsync(scene.Path)).Json.GetProperty("config_json").GetProperty("allowed_token_hosts")[0].GetString());

        async Task<string?> NameAsync() => (await scene.Api.GetAsync(scene.Path)).Json.GetProperty("config_json").GetProperty("username").GetString();
    }

    [Fact]
    public async Task Of_two_who_take_the_same_step_one_does_and_another_credential_has_to_wait()
    {
        await using var scene = await SceneAsync(Engine.Postgres);
        await scene.PostAsync("stage", Staged);
        Assert.Equal((409, "credential_change_open"), Seen(await scene.PostAsync("stage", Staged)));
        Assert.Equal((409, "credential_change_open"), Seen(await scene.Api.PatchAsync(scene.Path, """{"config_json":{"header_name":"x-key","api_key":"z"}}""")));
        Assert.Equal(200, (await scene.Api.PatchAsync(scene.Path, """{"name":"renamed"}""")).Status);
        Assert.Equal((409, "credential_changed"), Seen(await scene.PostAsync("shift", """{"version":7,"force":true}""")));
        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => scene.PostAsync("shift", """{"version":1,"force":true}""")));
        Assert.Equal(7, both.Count(reply => reply.Status == 409));
        Assert.Equal("new-key-value", await scene.InUseAsync());
        Assert.Equal("old-key-value", await scene.OpenAsync("/previous"));
        Assert.Equal(204, (await scene.Api.SendAsync("DELETE", scene.Path, null)).Status);
        Assert.Empty(await scene.Api.RowsAsync("SELECT ref FROM secret_store WHERE ref LIKE '%secretConfig%'"));
    }

    private static (int, string?) Seen(Reply reply) => (reply.Status, reply.Error);

    private static Task Respond(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static async Task<Scene> SceneAsync(
        Engine engine = Engine.Sqlite, string kind = "api_key", string config = """{"header_name":"x-key","api_key":"old-key-value"}""")
    {
        var time = new MovableTime();
        var upstream = await AuthorizationServer.StartAsync();
        var state = new InProcessState(time);
        var api = await ApiHost.StartAsync(time: time, engine: engine, http: upstream.Client, shared: state);
        var zone = await api.ZoneAsync();
        var id = (await api.PostAsync($"/v1/zones/{zone}/providers", $$"""{"name":"p","kind":"{{kind}}","config_json":{{config}}}""")).Get("id");
        var resource = await api.PostAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"r","upstream_url":"https://up.example/api","scopes":["a:b"],"credential_provider_id":"{{id}}","operations":[{"method":"GET","path":"/reports","scope":"a:b"}]}""");
        Assert.Equal(201, resource.Status);
        return new Scene(api, upstream, state, time, zone, id);
    }

    private sealed record Scene(ApiHost Api, AuthorizationServer Upstream, InProcessState State, MovableTime Time, string Zone, string Id) : IAsyncDisposable
    {
        public string Path => $"/v1/zones/{Zone}/providers/{Id}";

        public Task<Reply> PostAsync(string step, string body = "{}") => Api.PostAsync($"{Path}/credential/{step}", body);

        public Task<string?> InUseAsync() => OpenAsync("");

        /// <summary>The secret at one of the three places, opened as the STS would.</summary>
        public async Task<string?> OpenAsync(string place)
        {
            var reference = $"zones/{Zone}/providers/{Id}/secretConfig{place}";
            var envelope = await Api.Database.ReadAsync(connection => CustodyStore.FindAsync(connection, Zone, reference));
            if (envelope is null) return null;
            var kek = KekRing.Of(Convert.FromHexString("8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01"));
            Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(kek, reference, envelope, out var plaintext));
            using (plaintext)
            {
                using var document = JsonDocument.Parse(plaintext!.Memory);
                return document.RootElement.EnumerateObject().Single().Value.GetString();
            }
        }

        /// <summary>What Gateways would have counted.</summary>
        public async Task CountAsync(int answers, int refusals)
        {
            var watch = new CredentialWatch(Id, 2, 0);
            for (var i = 0; i < answers; i++) await State.IncrementAsync(watch.AnswersKey, TimeSpan.FromDays(1), CancellationToken.None);
            for (var i = 0; i < refusals; i++) await State.IncrementAsync(watch.RefusalsKey, TimeSpan.FromDays(1), CancellationToken.None);
        }

        public async Task<string[]> EventsAsync()
        {
            var rows = await Api.RowsAsync("SELECT payload_json FROM event_outbox WHERE stream_name = 'caracal.audit.events' ORDER BY id");
            var events = rows.ConvertAll(row => JsonDocument.Parse(JsonDocument.Parse(row["payload_json"]!).RootElement.GetProperty("data").GetString()!).RootElement);
            return [.. events.Where(found => found.GetProperty("event_type").GetString() == "provider_credential")
                .Select(found => found.GetProperty("metadata_json").GetProperty("step").GetString()!)];
        }

        public async ValueTask DisposeAsync()
        {
            await Api.DisposeAsync();
            await Upstream.DisposeAsync();
            State.Dispose();
        }
    }
}
