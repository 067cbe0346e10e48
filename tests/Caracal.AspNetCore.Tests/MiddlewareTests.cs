using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore.Tests;

/// <summary>Black-box check 25 of gateway.md: V4 through the middleware, and no handler runs on failure.</summary>
public sealed class MiddlewareTests : IDisposable
{
    private readonly JwksHandler _issuer = new(VectorV4.Jwks);
    private readonly InMemoryRevocationStore _store = new();

    public static TheoryData<string, int, string, string> Table => new()
    {
        { "/open-to-all-scopes", 200, "", "" },
        { "/admin", 403, "insufficient_scope", "Bearer error=\"insufficient_scope\", scope=\"admin\"" },
        { "/chain", 403, "chain_mismatch", "Bearer error=\"insufficient_scope\"" },
        { "/session-use", 401, "invalid_token", "Bearer error=\"invalid_token\"" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Vector_V4_by_route(string path, int status, string code, string challenge)
    {
        await using var server = await StartAsync();
        using var answer = await server.GetAsync(path, "Bearer " + VectorV4.Token);
        await ExpectAsync(server, answer, status, code, challenge);
    }

    [Theory]
    [InlineData("zone-2", VectorV4.Audience, "invalid_zone")]
    [InlineData(VectorV4.Zone, "resource://x", "invalid_token")]
    public async Task Vector_V4_for_another_server(string zone, string audience, string code)
    {
        await using var server = await ResourceServer.StartAsync(_issuer, _store, Map, zone, audience);
        using var answer = await server.GetAsync("/", "Bearer " + VectorV4.Token);
        await ExpectAsync(server, answer, 401, code, "Bearer error=\"invalid_token\"");
    }

    [Fact]
    public async Task Vector_V4_once_revoked_or_stale()
    {
        await using var server = await StartAsync();
        await _store.MarkDelegationEpochAsync("zone-1", 8);
        using var stale = await server.GetAsync("/", "Bearer " + VectorV4.Token);
        await ExpectAsync(server, stale, 401, "delegation_stale", "Bearer error=\"invalid_token\"");
        await _store.MarkRevokedAsync("ar-root");
        using var revoked = await server.GetAsync("/", "Bearer " + VectorV4.Token);
        await ExpectAsync(server, revoked, 401, "session_revoked", "Bearer error=\"invalid_token\"");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic abc")]
    [InlineData("Bearer ")]
    [InlineData("Bearertoken")]
    public async Task No_bearer_is_a_missing_token(string? authorization)
    {
        await using var server = await StartAsync();
        using var answer = await server.GetAsync("/", authorization);
        await ExpectAsync(server, answer, 401, "missing_token", "Bearer realm=\"caracal\"");
    }

    [Fact]
    public async Task With_the_issuer_down_every_request_is_401()
    {
        _issuer.Down = true;
        await using var server = await StartAsync();
        using var answer = await server.GetAsync("/", "Bearer " + VectorV4.Token);
        await ExpectAsync(server, answer, 401, "invalid_token", "Bearer error=\"invalid_token\"");
    }

    [Theory]
    [InlineData("/health", true)]
    [InlineData("/health/live", true)]
    [InlineData("/healthy", false)]
    [InlineData("/Health", false)]
    [InlineData("/", false)]
    public async Task Only_excluded_paths_go_unverified_and_they_end_at_segments(string path, bool open)
    {
        await using var server = await StartAsync();
        using var answer = await server.GetAsync(path, null);
        Assert.Equal(open ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(open ? 1 : 0, server.Handled);
    }

    [Theory]
    [InlineData("/admin/reports", 200)]
    [InlineData("/ADMIN", 403)]
    [InlineData("/admin/other", 403)]
    [InlineData("/administration", 200)]
    public async Task The_longest_prefix_wins_at_segments(string path, int status)
    {
        await using var server = await StartAsync();
        using var answer = await server.GetAsync(path, "Bearer " + VectorV4.Token);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Ids_and_hop_come_from_the_mandate_and_only_trace_and_foreign_baggage_from_headers()
    {
        IMandateFeature? seen = null;
        await using var server = await ResourceServer.StartAsync(_issuer, _store, (application, _) =>
        {
            application.UseCaracalMandates();
            application.Run(http =>
            {
                seen = http.Features.Get<IMandateFeature>();
                Assert.Equal("user-1", http.User.Identity!.Name);
                Assert.Contains(http.User.Claims, claim => claim is { Type: "scope", Value: "write" });
                return Task.CompletedTask;
            });
        });
        using var answer = await server.GetAsync(
            "/", "Bearer " + VectorV4.Token,
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("baggage", "caracal.agent_session=forged,caracal.hop=0,caracal.parent_edge=forged,tenant=a%20b%2Fc"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("sess-child", "edge-1", null, "ar-1", 1), (seen!.Context.AgentSession, seen.Context.DelegationEdge, seen.Context.ParentEdge, seen.Context.Session, seen.Context.Hop));
        Assert.Equal("a b/c", seen.Context.Foreign["tenant"]);
        Assert.StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736", seen.Context.TraceParent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_websocket_is_refused_before_it_is_accepted()
    {
        var accepted = 0;
        await using var server = await ResourceServer.StartAsync(_issuer, _store, (application, _) =>
        {
            application.UseWebSockets();
            application.UseCaracalMandates();
            application.Run(async http =>
            {
                accepted++;
                using var socket = await http.WebSockets.AcceptWebSocketAsync();
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            });
        });
        var address = new Uri(server.Client.BaseAddress!.ToString().Replace("http", "ws", StringComparison.Ordinal));
        using var stranger = new ClientWebSocket { Options = { CollectHttpResponseDetails = true } };
        await Assert.ThrowsAsync<WebSocketException>(() => stranger.ConnectAsync(address, CancellationToken.None));
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.HttpStatusCode);
        Assert.Equal(0, accepted);

        using var known = new ClientWebSocket();
        known.Options.SetRequestHeader("Authorization", "Bearer " + VectorV4.Token);
        await known.ConnectAsync(address, CancellationToken.None);
        Assert.Equal(1, accepted);
    }

    public void Dispose() => _issuer.Dispose();

    private Task<ResourceServer> StartAsync() => ResourceServer.StartAsync(_issuer, _store, Map);

    private static void Map(WebApplication application, ResourceServer server)
    {
        application.UseCaracalMandates(options =>
        {
            options.Exclude.Add("/health");
            options.Overrides["/admin"] = new MandateOverrides { RequiredScopes = ["admin"] };
            options.Overrides["/admin/reports/"] = new MandateOverrides { RequiredScopes = ["read"] };
            options.Overrides["/chain"] = new MandateOverrides { RequireChainContains = ["app-x"] };
            options.Overrides["/session-use"] = new MandateOverrides { RequiredUse = "session" };
        });
        application.Run(http =>
        {
            server.Ran();
            return http.Response.WriteAsync(http.GetMandate()?.ClientId ?? "nobody");
        });
    }

    private static async Task ExpectAsync(ResourceServer server, HttpResponseMessage answer, int status, string code, string challenge)
    {
        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 200)
        {
            Assert.Equal("app-1", await answer.Content.ReadAsStringAsync());
            Assert.Equal(1, server.Handled);
            return;
        }

        Assert.Equal(0, server.Handled);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(challenge, answer.Headers.GetValues("WWW-Authenticate").Single());
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(code, body.RootElement.GetProperty("error").GetString());
        Assert.NotEqual("", body.RootElement.GetProperty("error_description").GetString());
    }
}
