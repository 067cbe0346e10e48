using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Caracal.Admin;
using Caracal.Sdk.Tests.Stacks;
using Caracal.Sdk.Tests.Support;

namespace Caracal.Sdk.Tests;

/// <summary>sdk.md 9: the admin client against a real stack.</summary>
public abstract class AdminTests(GovernedStack stack)
{
    private const string Secret = "a-secret-of-the-tests-0123456789-abcdef";

    [Fact]
    public void The_grants_document_is_the_published_vector()
    {
        var document = GrantsDocument.Write([new("app-1", "resource://r1", ["write", "read"]), new("app-1", "resource://r1", ["read"], "worker")]);
        Assert.Equal("5e070df0566906e5b23a5c81c52b051a266f07d4584a4424afc4cea9a4c521a6", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document))));
        Assert.Throws<ArgumentException>(() => GrantsDocument.Write([new("app-1", "r", ["a"]), new("app-2", "r", ["a"])]));
    }

    [Fact]
    public void Names_become_identifiers()
    {
        Assert.Equal("provider://open-ai-2", Identifiers.Provider("  Open AI (2) "));
        Assert.Equal("resource://open-ai", Identifiers.Resource("Open  AI"));
        Assert.Equal("https://api.example/v1", Identifiers.Resource("https://api.example/v1"));
        Assert.Equal("resource://https-user-pass-api-example", Identifiers.Resource("https://user:pass@api.example"));
    }

    [Fact]
    public async Task A_zone_is_made_as_it_should_be_and_a_second_run_changes_nothing()
    {
        using var admin = Client();
        var zone = await admin.EnsureZoneAsync("Hooli");
        Assert.Equal(zone.Id, (await admin.EnsureZoneAsync("Hooli")).Id);
        var work = admin.In(zone.Id);
        var app = await work.EnsureApplicationAsync("assistant", Secret);
        GovernedUpstream[] upstreams =
        [
            new(
                new ResourceSpec("Nucleus", "resource://nucleus") { UpstreamUrl = stack.Upstream.Url, Scopes = ["nucleus:read"], OperationEnforcement = "transport_uniform" },
                "nucleus-key", new Dictionary<string, string> { ["header_name"] = "X-Api-Key" }, [new Grant(app, "resource://nucleus", ["nucleus:read"])]),
        ];
        await work.EnsureGovernedUpstreamsAsync(upstreams);
        Assert.Equal(app, await work.EnsureApplicationAsync("assistant", Secret));
        Assert.False(await work.EnsureGrantsAsync(upstreams[0].Grants));
        await work.EnsureResourceAsync(new ResourceSpec("Nucleus", "resource://nucleus") { Scopes = ["nucleus:read"] });
        Assert.Single((await work.Policies.GetAsync((await work.Policies.ListAsync())[0].Id)).Versions!);

        await using var client = CaracalClient.FromOptions(stack.Options with { ZoneId = zone.Id, ApplicationId = app, ClientSecret = Secret, Resources = ["resource://nucleus"] });
        using var http = new HttpClient(client.CreateApplicationHandler("resource://nucleus", new ApplicationTransportOptions { Scopes = ["nucleus:read"] })) { BaseAddress = new Uri(stack.Options.GatewayUrl) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/reports")).StatusCode);
        Assert.Equal("nucleus-key", stack.Upstream.Last.Headers["X-Api-Key"]);

        Assert.True(await work.EnsureGrantsAsync([new Grant(app, "resource://nucleus", ["nucleus:read"], "worker")]));
        Assert.False(await admin.In((await admin.EnsureZoneAsync("Empty")).Id).EnsureGrantsAsync([]));
        Assert.Null(await work.EnsureApiKeyProviderAsync("none", "provider://none", new Dictionary<string, string>(), apiKey: null));
    }

    [Fact]
    public async Task Errors_carry_their_code_and_no_secret_and_only_reads_are_repeated()
    {
        using var admin = Client();
        var missing = await Assert.ThrowsAsync<AdminApiException>(() => admin.In(stack.ZoneId).Resources.GetAsync("nothing"));
        Assert.Equal(404, missing.Status);
        using var services = new ScriptedServices { Answer = _ => ScriptedServices.Json(503, """{"error":"busy","client_secret":"cs_0123456789abcdefghij"}""") };
        using var failing = new AdminClient(new AdminOptions { AdminToken = "t", Http = services, Time = new SteppedTime() });
        var busy = await Assert.ThrowsAsync<AdminApiException>(() => failing.Zones.ListAsync());
        Assert.Equal((503, "busy", """{"error":"busy","client_secret":"***"}"""), (busy.Status, busy.Code, busy.Body));
        Assert.Equal(4, services.All.Count);
        await Assert.ThrowsAsync<AdminApiException>(() => failing.Zones.CreateAsync(new JsonObject { ["name"] = "x" }));
        Assert.Equal(5, services.All.Count);
        Assert.Equal("coordinator_url_not_configured", (await Assert.ThrowsAsync<AdminApiException>(() => failing.In("z").Coordinator.GetSessionAsync("s"))).Code);
    }

    private AdminClient Client() => new(new AdminOptions { ApiUrl = stack.ApiUrl, AdminToken = stack.AdminToken });
}

public sealed class EmbeddedAdmin(EmbeddedStack stack) : AdminTests(stack), IClassFixture<EmbeddedStack>;

[Collection(SeparateStack.Shared)]
public sealed class SeparateAdmin(SeparateStack stack) : AdminTests(stack);
