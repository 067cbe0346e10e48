using System.Text.Json;
using System.Text.RegularExpressions;
using Caracal.ControlPlane.OpenApi;

namespace Caracal.ControlPlane.Tests;

public sealed partial class OpenApiTests
{
    [Fact]
    [Trait("requirement", "R35")]
    public async Task Describes_every_route_and_nothing_else()
    {
        await using var api = await ApiHost.StartAsync();
        var served = await api.GetAsync("/openapi.json", token: null);
        Assert.Equal((200, "3.1.0"), (served.Status, served.Get("openapi")));
        var described = served.Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}")).Order().ToList();
        var routes = api.Service.Routes.Select(route => $"{route.Method} {route.Pattern.Replace("*}", "}", StringComparison.Ordinal)}").Order().ToList();
        Assert.Equal(routes, described);
        Assert.Equal([.. routes.Append("POST /v1/control/invoke").Order()], DocumentedOperations.Load().All.Select(operation => $"{operation.Method} {operation.Path}").Order());
    }

    [Fact]
    public async Task Can_be_read_by_a_generator()
    {
        await using var api = await ApiHost.StartAsync();
        var document = (await api.GetAsync("/openapi.json", token: null)).Json;
        var schemas = document.GetProperty("components").GetProperty("schemas");
        foreach (var reference in Reference().Matches(document.GetRawText()).Select(match => match.Groups[1].Value))
        {
            Assert.True(schemas.TryGetProperty(reference, out _), reference);
        }

        var ids = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).Select(operation => operation.Value.GetProperty("operationId").GetString()).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var named = operation.Value.GetProperty("parameters").EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() == "path").Select(parameter => $"{{{parameter.GetProperty("name").GetString()}}}");
                Assert.Equal(Placeholder().Matches(path.Name).Select(match => match.Value), named);
            }
        }
    }

    [Fact]
    public async Task Says_of_answers_what_they_are()
    {
        await using var api = await ApiHost.StartAsync(http: new HttpMessageInvoker(new NoNetwork()));
        var document = new DocumentedAnswers((await api.GetAsync("/openapi.json", token: null)).Json);
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}";
        var application = await api.ApplicationAsync(zone);
        await Authority.SeedAsync(api, zone, application, "user-1");
        var content = JsonSerializer.Serialize("# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n");

        async Task<string> CheckAsync(string method, string pattern, string? body = null, params string[] ids)
        {
            var place = pattern.Replace("{zoneId}", zone, StringComparison.Ordinal);
            foreach (var id in ids) place = Placeholder().Replace(place, id, 1);
            var reply = await api.SendAsync(method, place, body);
            Assert.True(reply.Status < 300, $"{method} {place}: {reply.Status} {reply.Text}");
            Assert.Equal("", document.Problem(method, pattern.Split('?')[0], reply));
            return reply.Text.StartsWith('{') && reply.Json.TryGetProperty("id", out var made) ? made.GetString()! : "";
        }

        const string z = "/v1/zones/{zoneId}";
        await CheckAsync("PATCH", z, """{"dcr_enabled":true}""");
        await CheckAsync("POST", $"{z}/keys/rotate");
        var other = await CheckAsync("POST", $"{z}/applications", """{"name":"b","registration_method":"managed"}""");
        await CheckAsync("POST", $"{z}/applications/dcr", """{"name":"c"}""");
        await CheckAsync("GET", $"{z}/applications/{{id}}", null, other);
        await CheckAsync("PATCH", $"{z}/applications/{{id}}", """{"name":"d"}""", other);
        await CheckAsync("POST", $"{z}/applications/{{id}}/rotate-secret", """{"overlap_seconds":60}""", other);
        await CheckAsync("POST", $"{z}/applications/{{id}}/retire-secret", "{}", other);
        await CheckAsync("GET", $"{z}/applications/{{id}}/client-secret", null, other);
        var workload = await CheckAsync("POST", $"{z}/workloads", """{"name":"w"}""");
        await CheckAsync("PUT", $"{z}/workloads/{{id}}", """{"bindings":[{"env":"A","resource":"resource://a","scopes":["x"],"optional":true}]}""", workload);
        await CheckAsync("POST", $"{z}/workloads/{{id}}/rotate-secret", """{"overlap_seconds":60}""", workload);
        await CheckAsync("GET", $"{z}/workloads/{{id}}/secret", null, workload);
        var provider = await CheckAsync("POST", $"{z}/providers", """{"name":"n","kind":"none"}""");
        var consent = await CheckAsync(
            "POST", $"{z}/providers",
            """{"name":"o","kind":"oauth2_authorization_code","config_json":{"authorization_endpoint":"https://i.example/a","token_endpoint":"https://i.example/t","redirect_uri":"https://h.example/c","client_id":"c","client_secret":"s"}}""");
        await CheckAsync("POST", $"{z}/providers/{{id}}/test", null, consent);
        await CheckAsync("POST", $"{z}/provider-connections", $$"""{"provider_id":"{{consent}}","access_token":"t"}""");
        await CheckAsync("POST", $"{z}/provider-connections/oauth/authorize", $$"""{"provider_id":"{{consent}}"}""");
        var resource = await CheckAsync("POST", $"{z}/resources", $$"""{"name":"r","upstream_url":"https://u.example","scopes":["a:b"],"credential_provider_id":"{{provider}}","operations":[{"method":"get","path":"/x","scope":"a:b"}]}""");
        var grant = await CheckAsync("POST", $"{z}/grants", $$"""{"application_id":"{{application}}","user_id":"u","resource_id":"{{resource}}","scopes":["a:b"]}""");
        await CheckAsync("GET", $"{z}/grants/{{id}}", null, grant);
        await CheckAsync("POST", $"{z}/subject-issuers", """{"issuer":"https://i.example","jwks_url":"https://i.example/jwks","audience":"a"}""");
        var policy = await api.PostAsync($"{path}/policies", $$"""{"name":"p","content":{{content}}}""");
        Assert.Equal("", document.Problem("POST", $"{z}/policies", policy));
        await CheckAsync("POST", "/v1/policies/validate", $$"""{"content":{{content}}}""");
        await CheckAsync("POST", $"{z}/policies/{{id}}/versions", $$"""{"content":{{content}}}""", policy.Get("id"));
        await CheckAsync("GET", $"{z}/policies/{{id}}", null, policy.Get("id"));
        var set = await CheckAsync("POST", $"{z}/policy-sets", """{"name":"s"}""");
        var version = await CheckAsync("POST", $"{z}/policy-sets/{{id}}/versions", $$"""{"manifest":[{"policy_version_id":"{{policy.Get("version_id")}}"}]}""", set);
        await CheckAsync("GET", $"{z}/policy-sets/{{id}}/versions/{{versionId}}", null, set, version);
        await CheckAsync("POST", $"{z}/policy-sets/{{id}}/activate", $$"""{"version_id":"{{version}}"}""", set);
        await CheckAsync("GET", $"{z}/policy-sets/{{id}}/activation-status", null, set);
        await CheckAsync("GET", $"{z}/policy-sets/{{id}}/versions/{{versionId}}/diff", null, set, version);
        await CheckAsync("POST", $"{z}/policy-sets/{{id}}/simulate", $$"""{"version_id":"{{version}}","input":{ } }""", set);
        await CheckAsync("POST", $"{z}/policy-sets/{{id}}/versions/{{versionId}}/replay", "{}", set, version);
        await CheckAsync("POST", $"{z}/policy-sets/{{id}}/versions/{{versionId}}/shadow", "{}", set, version);
        await CheckAsync("POST", $"{z}/notification-sinks", """{"name":"s","url":"https://h.example"}""");
        await CheckAsync("POST", $"{z}/kill-switch", """{"subject_id":"user-1","dry_run":true}""");
        await CheckAsync("GET", $"{z}/subjects/overview?subject_id=user-1");
        await CheckAsync("POST", $"{z}/subjects/revoke", """{"subject_id":"user-1"}""");
        await CheckAsync("POST", "/v1/admin-tokens", """{"name":"t","scope":"global"}""");
        await CheckAsync("PUT", "/v1/audit-retention", """{"retention_days":30}""");
        await CheckAsync("PUT", "/v1/mint-rate-limit", """{"limit_per_minute":30}""");
        foreach (var list in api.Service.Routes.Where(route => route.Method == "GET" && !route.IsOpen && Placeholder().Matches(route.Pattern).All(match => match.Value == "{zoneId}")))
        {
            if (!list.Pattern.EndsWith("/subjects/overview", StringComparison.Ordinal)) await CheckAsync("GET", list.Pattern);
        }
    }

    [GeneratedRegex("#/components/schemas/([^\"]+)\"")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Placeholder();
}
