using System.Text.Json;
using Caracal.Authority.Applications;
using Caracal.TestKit;
using static Caracal.ControlPlane.Tests.Control.ControlDesk;

namespace Caracal.ControlPlane.Tests.Control;

/// <summary>The catalogue of control.md 5 and what its commands do.</summary>
public sealed class ControlCommandsTests
{
    private const string Content = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n";

    [Fact]
    public async Task Describes_every_noun_and_thirty_scopes()
    {
        await using var desk = await OpenAsync();
        var catalog = await desk.ResultAsync("catalog", "describe");
        var commands = catalog.GetProperty("commands").EnumerateArray().ToList();
        Assert.Equal(
            ["app", "approval", "audit", "authority-record", "catalog", "delegation", "ensure", "explain", "grant", "identity-provider", "policy", "policy-set", "resource", "session", "state", "workload"],
            commands.Select(command => command.GetProperty("command").GetString()!).Order(StringComparer.Ordinal));
        var scopes = commands.SelectMany(command => command.GetProperty("subcommands").EnumerateArray())
            .Select(subcommand => subcommand.GetProperty("scope").GetString()).OfType<string>().Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(ControlScopes.All, scopes);
        Assert.Equal(30, ControlScopes.All.Count);
        Assert.Equal(
            ["application:name:app", "identity-provider:identifier:identity-provider", "resource:identifier:resource", "policy:name:policy", "policy-set:name:policy-set"],
            catalog.GetProperty("declarative").GetProperty("kinds").EnumerateArray()
                .Select(kind => $"{kind.GetProperty("kind")}:{kind.GetProperty("identityField")}:{kind.GetProperty("command")}"));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Manages_a_zone_from_nothing_to_an_active_policy(Engine engine)
    {
        await using var desk = await OpenAsync(new Dictionary<string, string?> { ["CONTROL_RATE_CAPACITY"] = "1000" }, engine);
        var app = Id(await desk.ResultAsync("app", "create", new { name = "agent" }));
        Assert.Equal("renamed", (await desk.ResultAsync("app", "patch", new { id = app, name = "renamed" })).GetProperty("name").GetString());
        Assert.StartsWith("cs_", (await desk.ResultAsync("app", "rotate-secret", new { id = app })).GetProperty("client_secret").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, (await desk.ResultAsync("app", "list")).GetArrayLength());
        Assert.Equal((403, "denied", "dcr_disabled"), Refusal(await desk.InvokeAsync("app", "dcr", new Dictionary<string, object> { ["name"] = "d", ["expires-in"] = "60" })));

        var provider = Id(await desk.ResultAsync("identity-provider", "create", new { name = "none", kind = "none" }));
        Assert.Equal("other", (await desk.ResultAsync("identity-provider", "patch", new { id = provider, name = "other" })).GetProperty("name").GetString());
        var resource = await desk.ResultAsync("resource", "create", new Dictionary<string, object>
        {
            ["name"] = "r",
            ["identifier"] = "resource://r",
            ["scopes"] = "a,b",
            ["upstream-url"] = "https://u",
            ["credential-provider-id"] = provider,
            ["operations"] = """[{"method":"get","path":"/x","scope":"a"}]""",
        });
        Assert.Equal(["a", "b"], resource.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()!));
        Assert.Equal((409, "conflict"), Code(await desk.InvokeAsync("resource", "create", new Dictionary<string, object>
        {
            ["identifier"] = "resource://r",
            ["scopes"] = "a",
            ["upstream-url"] = "https://u",
            ["credential-provider-id"] = provider,
        })));
        Assert.Equal(3, (await desk.ResultAsync("resource", "patch", new { id = Id(resource), scopes = new[] { "a", "b", "c" } })).GetProperty("scopes").GetArrayLength());
        Assert.Equal((400, "invalid"), Code(await desk.InvokeAsync("resource", "patch", new Dictionary<string, object?> { ["id"] = Id(resource), ["upstream-url"] = null })));

        Assert.Equal((400, "invalid"), Code(await desk.InvokeAsync("policy", "validate", new { content = "package x" })));
        Assert.True((await desk.ResultAsync("policy", "validate", new { content = Content })).GetProperty("valid").GetBoolean());
        var policy = await desk.ResultAsync("policy", "create", new { name = "p", content = Content });
        Assert.Equal(2, (await desk.ResultAsync("policy", "version", new { id = Id(policy), content = Content + "# two\n" })).GetProperty("version").GetInt32());
        var set = Id(await desk.ResultAsync("policy-set", "create", new { name = "s" }));
        var version = Id(await desk.ResultAsync("policy-set", "version", new Dictionary<string, object> { ["id"] = set, ["policy-versions"] = new[] { policy.GetProperty("version_id").GetString() } }));
        Assert.True((await desk.ResultAsync("policy-set", "simulate", new { id = set, version })).GetProperty("dry_run").GetBoolean());
        Assert.True((await desk.ResultAsync("policy-set", "activate", new { id = set, version })).GetProperty("activated").GetBoolean());

        var workload = await desk.ResultAsync("workload", "create", new { name = "w" });
        Assert.Equal(1, (await desk.ResultAsync("workload", "patch", new { id = Id(workload), bindings = """[{"env":"A","resource":"resource://r"}]""" })).GetProperty("bindings").GetArrayLength());
        Assert.NotEqual(Text(workload, "secret"), Text(await desk.ResultAsync("workload", "rotate-secret", new { id = Id(workload) }), "secret"));

        var grant = Id(await desk.ResultAsync("grant", "create", new Dictionary<string, object> { ["application-id"] = app, ["user-id"] = "u", ["resource-id"] = Id(resource), ["scopes"] = "a" }));
        Assert.Equal(1, (await desk.ResultAsync("grant", "list")).GetArrayLength());
        Assert.Equal(JsonValueKind.Undefined, (await desk.ResultAsync("grant", "revoke", new { id = grant })).ValueKind);

        Assert.Equal(0, (await desk.ResultAsync("approval", "list")).GetArrayLength());
        Assert.Equal(0, (await desk.ResultAsync("audit", "tail", new { limit = 5 })).GetArrayLength());
        Assert.Equal(3, (await desk.ResultAsync("audit", "admin", new { limit = 3 })).GetArrayLength());
        Assert.Equal((404, "not_found", "request_not_found"), Refusal(await desk.InvokeAsync("explain", "", new Dictionary<string, object> { ["request-id"] = "none" })));
        foreach (var (noun, id) in new[] { ("workload", Id(workload)), ("policy-set", set), ("policy", Id(policy)), ("resource", Id(resource)), ("identity-provider", provider), ("app", app) })
        {
            Assert.Equal(JsonValueKind.Undefined, (await desk.ResultAsync(noun, "delete", new { id })).ValueKind);
            Assert.Equal((404, "not_found"), Code(await desk.InvokeAsync(noun, "get", new { id })));
        }
    }

    [Fact]
    public async Task Filters_authority_records_by_their_subject_and_lists_sessions()
    {
        await using var desk = await OpenAsync();
        await Authority.SeedAsync(desk.Api, desk.Zone, desk.Key, "user-1");
        Assert.Equal(["rec-1"], (await desk.ResultAsync("authority-record", "list", new { subject = "user-1" })).EnumerateArray().Select(record => Text(record, "authority_record_id")));
        Assert.Equal(2, (await desk.ResultAsync("authority-record", "list")).GetArrayLength());
        Assert.Equal(1, (await desk.ResultAsync("authority-record", "list", new { limit = 1 })).GetArrayLength());
        Assert.Equal(2, (await desk.ResultAsync("session", "list")).GetArrayLength());
    }

    [Fact]
    public async Task Lists_a_collection_to_its_end()
    {
        await using var desk = await OpenAsync();
        await desk.Api.ExecuteAsync($"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
            INSERT INTO policy_sets (id, zone_id, name, created_by, created_at, updated_at) SELECT 'set-' || i, '{desk.Zone}', 'set ' || i, 'x', 1000 + i, 1000 + i FROM n
            """);
        Assert.Equal(1201, (await desk.ResultAsync("policy-set", "list")).EnumerateArray().Select(set => Text(set, "id")).Distinct().Count());
    }

    [Theory]
    [InlineData("rotate-secret")]
    [InlineData("delete")]
    [InlineData("patch")]
    public async Task A_key_cannot_seize_a_key(string subcommand)
    {
        await using var desk = await OpenAsync();
        var other = await desk.KeyAsync("other");
        foreach (var id in (string[])[other, desk.Key])
        {
            Assert.Equal((403, "denied", "control keys are managed outside Control"), Refusal(await desk.InvokeAsync("app", subcommand, new { id, name = "mine" })));
        }

        Assert.Equal("other", (await desk.Api.GetAsync($"/v1/zones/{desk.Zone}/applications/{other}")).Get("name"));
    }

    [Fact]
    public async Task Cannot_touch_the_control_resource()
    {
        await using var desk = await OpenAsync();
        var control = (await desk.Api.GetAsync($"/v1/zones/{desk.Zone}/resources")).Json.GetProperty("items").EnumerateArray().Single(row => Text(row, "identifier") == "caracal-control");
        Assert.Equal((409, "conflict"), Code(await desk.InvokeAsync("resource", "patch", new { id = Id(control), scopes = "x" })));
        Assert.Equal((409, "conflict"), Code(await desk.InvokeAsync("resource", "delete", new { id = Id(control) })));
        Assert.Equal(0, (await desk.ResultAsync("resource", "list")).GetArrayLength());
    }

    [Fact]
    public async Task Asks_a_coordinator_that_is_away_in_vain_and_says_so()
    {
        await using var silent = await OpenAsync();
        Assert.Equal((502, "upstream", "upstream: CARACAL_COORDINATOR_TOKEN is not set for the API"), Refusal(await silent.InvokeAsync("session", "get", new { id = "s" })));
        await using var desk = await OpenAsync(new Dictionary<string, string?> { ["CARACAL_COORDINATOR_URL"] = "http://127.0.0.1:9", ["CARACAL_COORDINATOR_TOKEN"] = "coordinator-token-0123456789abcdef0123456789abcdef" });
        Assert.Equal((502, "upstream", "upstream: the Coordinator cannot be reached"), Refusal(await desk.InvokeAsync("delegation", "revoke", new { id = "d" })));
    }

    [Fact]
    public async Task Runs_with_a_live_global_write_token_or_not_at_all()
    {
        foreach (var token in (string[])["cat_unknown", "zone", "read"])
        {
            await using var probe = await OpenAsync();
            var used = token switch { "zone" => await probe.Api.TokenAsync(probe.Zone), "read" => await probe.Api.TokenAsync(null, "read"), _ => token };
            await using var desk = await ApiHost.StartAsync(
                new Dictionary<string, string?>
                {
                    ["CARACAL_CONTROL_ENABLED"] = "true",
                    ["CONTROL_GATE_FILE"] = probe.Gate,
                    ["STS_JWKS_URL"] = "http://localhost:8080/j",
                    ["STS_ISSUER_URL"] = "http://localhost:8080",
                    ["CONTROL_API_TOKEN"] = used,
                },
                probe.Api.Store, zoneKeys: probe);
            Assert.Equal((502, "upstream", "CONTROL_API_TOKEN is not a live global write token"), Refusal(await desk.PostAsync("/v1/control/invoke", """{"command":"app","subcommand":"list"}""", probe.Token(AllScopes))));
        }
    }

    private static string Id(JsonElement row) => Text(row, "id");

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;
}
