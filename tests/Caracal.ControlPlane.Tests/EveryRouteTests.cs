using System.Text;
using System.Text.RegularExpressions;
using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.OpenApi;
using Caracal.ControlPlane.Tests.Refusals;

namespace Caracal.ControlPlane.Tests;

/// <summary>What holds for every route, held against every route there is.</summary>
public sealed partial class EveryRouteTests : IAsyncLifetime
{
    private ApiHost _api = null!;
    private string _zone = "";
    private string _other = "";

    public async ValueTask InitializeAsync()
    {
        _api = await ApiHost.StartAsync();
        _zone = await _api.ZoneAsync();
        _other = await _api.ZoneAsync("Other");
    }

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    [Trait("requirement", "R35")]
    public async Task Asks_for_a_token_everywhere_but_at_the_open_doors()
    {
        Assert.Equal(["/v1/bootstrap", "/v1/zones/{zoneId}/provider-connections/oauth/callback"], _api.Service.Routes.Where(route => route.IsOpen).Select(route => route.Pattern));
        foreach (var route in Closed())
        {
            Assert.Equal((401, "invalid_admin_token", route.Pattern), Seen(await SendAsync(route, token: null), route));
            Assert.Equal((401, "invalid_admin_token", route.Pattern), Seen(await SendAsync(route, token: "cat_unknown"), route));
        }
    }

    [Fact]
    public async Task Lets_a_reader_change_nothing_and_look_at_everything()
    {
        var reader = await _api.TokenAsync(null, "read");
        var before = await FingerprintAsync();
        foreach (var route in Closed())
        {
            var reply = await SendAsync(route, reader);
            if (route.Need == AdminNeed.Look) Assert.False(reply.Status is 401 or 403 or >= 500, $"{route.Method} {route.Pattern}: {reply.Text}");
            else Assert.Equal((403, "admin_token_read_only", route.Pattern), Seen(reply, route));
        }

        Assert.Equal(before, await FingerprintAsync());
    }

    [Fact]
    public async Task Lets_an_approver_decide_and_nothing_else()
    {
        var approver = await _api.TokenAsync(null, "approve");
        foreach (var route in Closed().Where(route => route.Need != AdminNeed.Look))
        {
            var reply = await SendAsync(route, approver);
            if (route.Need == AdminNeed.Decide) Assert.Equal((404, "approval_not_found", route.Pattern), Seen(reply, route));
            else Assert.Equal((403, "admin_token_approve_only", route.Pattern), Seen(reply, route));
        }
    }

    [Fact]
    [Trait("requirement", "R100")]
    public async Task Keeps_a_zones_token_in_its_zone()
    {
        var token = await _api.TokenAsync(_other);
        var before = await FingerprintAsync();
        foreach (var route in Closed())
        {
            var shared = route.Pattern is "/v1/policies/validate" or "/v1/policy-templates";
            var reply = await SendAsync(route, token);
            var expected = route.Need == AdminNeed.Decide ? "approve_capability_required" : "admin_token_zone_mismatch";
            if (!shared) Assert.Equal((403, expected, route.Pattern), Seen(reply, route));
        }

        Assert.Equal(before, await FingerprintAsync());
    }

    [Fact]
    public async Task Refuses_bodies_that_are_too_large_of_another_kind_or_no_json()
    {
        var large = new string(' ', 1_048_577);
        foreach (var route in Closed().Where(route => route.Method != "GET"))
        {
            Assert.Equal((413, "payload_too_large", route.Pattern), Seen(await SendAsync(route, body: large), route));
            Assert.Equal((415, "invalid_body", route.Pattern), Seen(await SendAsync(route, body: "<a/>", type: "application/xml"), route));
            Assert.Equal((400, "invalid_body", route.Pattern), Seen(await SendAsync(route, body: "{"), route));
            Assert.Equal((400, "invalid_body", route.Pattern), Seen(await SendAsync(route, body: """{"a":{"__proto__":1}}"""), route));
        }
    }

    [Fact]
    public async Task Refuses_ids_that_are_none()
    {
        foreach (var route in Closed().Where(route => route.Pattern.Contains("{id}", StringComparison.Ordinal)))
        {
            var path = PathOf(route).Replace("/missing", "/mis%20sing", StringComparison.Ordinal);
            Assert.Equal((400, "invalid_params", route.Pattern), Seen(await _api.SendAsync(route.Method, path, null), route));
        }
    }

    [Fact]
    public async Task Knows_nothing_of_what_does_not_exist()
    {
        foreach (var route in Closed().Where(route => route.Pattern.Contains("/{id}", StringComparison.Ordinal)))
        {
            // Lists under a thing and changes of it alike: 404 for what is not there, or 400 before anybody looked.
            var reply = await SendAsync(route, body: route.Method is "GET" or "DELETE" ? null : "{}");
            Assert.True(reply.Status is 404 or 400 or 204, $"{route.Method} {route.Pattern}: {reply.Status} {reply.Text}");
        }
    }

    // As v1.0 does, these drop what they do not know; everything else refuses it. A new route has to be one or the other.
    private static readonly string[] Loose =
    [
        "createProvider", "discoverProvider", "updateProvider", "testProvider", "createConnection", "revokeConnection",
        "authorizeConnection", "createResource", "updateResource", "testResource", "validatePolicy", "createPolicy",
        "addPolicyVersion", "createPolicySet", "addPolicySetVersion", "simulatePolicySet", "activatePolicySet", "createGrant",
        "createSubjectIssuer", "updateSubjectIssuer", "revokeSubject", "approve", "reject", "rotateSinkSecret",
        "requeueOutbox",
    ];

    [Fact]
    public async Task Refuses_fields_that_a_strict_body_does_not_have_and_drops_them_elsewhere()
    {
        var loose = new List<string>();
        foreach (var operation in DocumentedOperations.Load().All.Where(operation => operation.Body is not null && _api.Service.Routes.Any(route => !route.IsOpen && route.Pattern == operation.Path)))
        {
            var body = GenericRefusals.Bodies.GetValueOrDefault(operation.Id, "{}");
            var more = body == "{}" ? """{"surprise":1}""" : $"{body[..^1]},\"surprise\":1}}";
            var strict = await _api.SendAsync(operation.Method, PathOf(operation.Path, _zone), more);
            if (strict.Status == 400 && strict.Error!.StartsWith("invalid_", StringComparison.Ordinal) && strict.Text.Contains("surprise", StringComparison.Ordinal)) continue;
            var without = await _api.SendAsync(operation.Method, PathOf(operation.Path, _other), body);
            Assert.True(strict.Status == without.Status, $"{operation.Id}: {strict.Status} {strict.Text}, without the field {without.Status} {without.Text}");
            loose.Add(operation.Id);
        }

        Assert.Equal(string.Join(" ", Loose), string.Join(" ", loose));
    }

    [Fact]
    public async Task Has_no_control_plugin_to_knock_at_with_or_without_a_token()
    {
        foreach (var token in (string?[])[null, ApiHost.AdminToken])
        {
            var reply = await _api.PostAsync("/v1/control/invoke", "{}", token);
            Assert.Equal((404, "Route POST:/v1/control/invoke not found"), (reply.Status, reply.Get("message")));
        }
    }

    private IEnumerable<Route> Closed() => _api.Service.Routes.Where(route => !route.IsOpen);

    private Task<Reply> SendAsync(Route route, string? token = ApiHost.AdminToken, string? body = null, string type = "application/json") =>
        _api.SendAsync(route.Method, PathOf(route), body, token, type);

    private string PathOf(Route route) => PathOf(route.Pattern, _zone);

    private static string PathOf(string pattern, string zone) => Placeholder().Replace(pattern.Replace("{zoneId}", zone, StringComparison.Ordinal), "missing");

    private static (int Status, string? Error, string Pattern) Seen(Reply reply, Route route) =>
        (reply.Status, reply.Text.Length == 0 ? null : reply.Error, route.Pattern);

    // What the zones hold; the use of a token and the admin ledger are meant to change.
    private async Task<string> FingerprintAsync()
    {
        var text = new StringBuilder();
        foreach (var table in (string[])["zones", "applications", "workloads", "providers", "resources", "policies", "policy_sets", "delegated_grants", "subject_issuers", "notification_sinks", "provider_connections", "event_outbox", "secrets"])
        {
            text.Append(table).Append((await _api.RowsAsync($"SELECT count(*) AS n FROM {table}"))[0]["n"]).Append(';');
        }

        return text.ToString();
    }

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Placeholder();
}
