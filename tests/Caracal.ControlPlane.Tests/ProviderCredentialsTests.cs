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
        await using var scene = await CredentialScene.StartAsync(engine);
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
        await using var scene = await CredentialScene.StartAsync();
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
        await using var scene = await CredentialScene.StartAsync(engine);
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
        await using var scene = await CredentialScene.StartAsync();
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
        await using var scene = await CredentialScene.StartAsync(kind: "http_basic", config: """{"username":"old","password":"old-key-value","allowed_token_hosts":["up.example"]}""");
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
        await using var scene = await CredentialScene.StartAsync(Engine.Postgres);
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

    [Fact]
    public async Task Refusals_alone_take_no_proven_credential_out_of_use_its_canary_is_asked_again()
    {
        using var log = new StringWriter();
        await using var scene = await CredentialScene.StartAsync(log: log);
        var (status, asked) = (200, new List<string>());
        scene.Upstream.Answer = context =>
        {
            var known = context.Request.Headers.TryGetValue("x-key", out var key);
            if (known) asked.Add($"{key} {context.Request.Path}");
            return Respond(context, known ? status : 401);
        };
        await scene.PostAsync("stage", Staged);
        await scene.PostAsync("canary", """{"path":"/elsewhere"}""");
        await scene.PostAsync("shift");
        foreach (var undecided in (int[])[200, 500])
        {
            status = undecided;
            await RefuseAsync();
            Assert.Equal("new-key-value", await scene.InUseAsync());
        }

        // The answer 200 started the counts anew; nobody makes us ask at every look.
        Assert.Equal(6, (await scene.Api.GetAsync(scene.Path + "/credential")).Json.GetProperty("refusals").GetInt32());
        Assert.Equal(Enumerable.Repeat("new-key-value /api/elsewhere", 3), asked);
        Assert.Contains("provider_credential_held", log.ToString(), StringComparison.Ordinal);
        status = 401;
        await RefuseAsync();
        Assert.Equal("old-key-value", await scene.InUseAsync());

        async Task RefuseAsync()
        {
            scene.Time.Advance(TimeSpan.FromSeconds(31));
            await scene.CountAsync(answers: 6, refusals: 6);
            for (var i = 0; i < 3; i++) await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_canary_that_will_be_refused_sends_no_secret()
    {
        await using var scene = await CredentialScene.StartAsync(identifier: "provider://caracal-sys-x");
        var asked = 0;
        scene.Upstream.Answer = context =>
        {
            asked++;
            return Respond(context, 401);
        };
        await scene.PostAsync("stage", Staged);
        Assert.Equal((409, "credential_changed"), Seen(await scene.PostAsync("canary", """{"version":7}""")));
        var token = await scene.Api.TokenAsync(scene.Zone);
        Assert.Equal((409, "reserved_namespace"), Seen(await scene.Api.PostAsync(scene.Path + "/credential/canary", "{}", token)));
        foreach (var path in (string[])["/a/%2e%2E/b", "/a%2Fb", "/a%5c..", "/./a", "/../a"])
        {
            Assert.Equal((400, "invalid_credential_change"), Seen(await scene.PostAsync("canary", $$"""{"path":"{{path}}"}""")));
        }

        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_provider_with_nothing_sealed_gets_its_first_credential_and_goes_back_to_none()
    {
        await using var scene = await CredentialScene.StartAsync();
        await scene.Api.ExecuteAsync("DELETE FROM secret_store");
        await scene.PostAsync("stage", Staged);
        Assert.Equal("shifted", (await scene.PostAsync("shift", """{"force":true}""")).Get("state"));
        Assert.Equal("new-key-value", await scene.InUseAsync());
        Assert.Equal("fell_back", (await scene.PostAsync("fall-back")).Get("state"));
        Assert.Null(await scene.InUseAsync());
        Assert.Equal(0, (await scene.Api.GetAsync(scene.Path)).Json.GetProperty("secret_config_keys").GetArrayLength());
    }

    [Fact]
    public async Task A_credential_before_that_does_not_open_is_reported_once()
    {
        using var log = new StringWriter();
        await using var scene = await CredentialScene.StartAsync(log: log);
        await scene.PostAsync("stage", Staged);
        await scene.PostAsync("shift", """{"force":true}""");
        await scene.Api.ExecuteAsync("UPDATE secret_store SET envelope = x'00' WHERE ref LIKE '%/previous'");
        await scene.CountAsync(answers: 6, refusals: 6);
        for (var i = 0; i < 3; i++)
        {
            await scene.Api.Service.Credentials.RunAsync(TestContext.Current.CancellationToken);
            scene.Time.Advance(TimeSpan.FromSeconds(31));
        }

        Assert.Single(log.ToString().Split('\n'), line => line.Contains("provider_credential_unopened", StringComparison.Ordinal));
    }
}
