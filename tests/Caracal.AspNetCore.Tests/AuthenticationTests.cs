using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore.Tests;

/// <summary>The authentication scheme and what endpoints require of it.</summary>
public sealed class AuthenticationTests : IDisposable
{
    private readonly JwksHandler _issuer = new(VectorV4.Jwks);
    private readonly InMemoryRevocationStore _store = new();

    [Theory]
    [Trait("requirement", "R127")]
    [InlineData("/open", null, 200, "")]
    [InlineData("/read", null, 401, "missing_token")]
    [InlineData("/read", "Bearer x.y.z", 401, "invalid_token")]
    [InlineData("/read", "Bearer " + VectorV4.Token, 200, "")]
    [InlineData("/admin", "Bearer " + VectorV4.Token, 403, "insufficient_scope")]
    [InlineData("/group/any", "Bearer " + VectorV4.Token, 200, "")]
    [InlineData("/group/chain", "Bearer " + VectorV4.Token, 403, "chain_mismatch")]
    [InlineData("/role", "Bearer " + VectorV4.Token, 403, "insufficient_scope")]
    public async Task An_endpoint_runs_only_for_a_mandate_that_meets_its_requirements(string path, string? authorization, int status, string code)
    {
        await using var server = await ResourceServer.StartAsync(_issuer, _store, Map);
        using var answer = await server.GetAsync(path, authorization);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status == 200 ? 1 : 0, server.Handled);
        if (status != 200)
        {
            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Equal(code, body.RootElement.GetProperty("error").GetString());
            Assert.True(answer.Headers.Contains("WWW-Authenticate"));
        }
    }

    [Fact]
    public async Task A_revocation_between_two_requests_is_seen_by_the_second()
    {
        await using var server = await ResourceServer.StartAsync(_issuer, _store, Map);
        using var before = await server.GetAsync("/read", "Bearer " + VectorV4.Token);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        await _store.MarkRevokedAsync("edge-1");
        using var after = await server.GetAsync("/read", "Bearer " + VectorV4.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    [Fact]
    public async Task Two_Authorization_headers_are_no_credential()
    {
        await using var server = await ResourceServer.StartAsync(_issuer, _store, Map);
        using var answer = await server.GetAsync("/read", "Bearer " + VectorV4.Token, ("Authorization", "Bearer " + VectorV4.Token));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task A_server_whose_options_trust_nobody_does_not_start() =>
        await Assert.ThrowsAsync<ArgumentException>(() => ResourceServer.StartAsync(_issuer, _store, Map, zone: ""));

    public void Dispose() => _issuer.Dispose();

    private static void Map(WebApplication application, ResourceServer server)
    {
        IResult Run(HttpContext http)
        {
            server.Ran();
            return Results.Text(http.GetMandate()?.Sub ?? "nobody");
        }

        application.UseAuthentication();
        application.UseAuthorization();
        application.MapGet("/open", Run);
        application.MapGet("/read", Run).RequireMandate("read");
        application.MapGet("/admin", Run).RequireMandate("admin");
        application.MapGet("/role", Run).RequireMandate("read").RequireAuthorization(policy => policy.RequireClaim(ClaimTypes.Role, "nobody-has-it"));
        var group = application.MapGroup("/group").RequireMandate("read");
        group.MapGet("/any", Run);
        group.MapGet("/chain", Run).RequireMandate(new MandateOverrides { RequireChainContains = ["app-x"] });
    }
}
