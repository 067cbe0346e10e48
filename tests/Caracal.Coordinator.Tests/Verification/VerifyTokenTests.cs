using Caracal.Coordinator.Tests.Support;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Tests.Verification;

/// <summary>coordinator.md 11 and 20.18 on the wire.</summary>
public sealed class VerifyTokenTests
{
    [Fact]
    public async Task Verifies_session_mandates_and_nothing_else()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var claims = coordinator.Signer.Claims("z1", "app1", "rec-app1");
        var good = await Verify(coordinator, $$"""{"zone_id":"z1","token":"{{coordinator.Token(claims)}}"}""");
        Assert.Equal(200, good.Status);
        Assert.Equal(("app1", "rec-app1", "application"), (
            good.Json.GetProperty("claims").GetProperty("clientId").GetString(),
            good.Json.GetProperty("claims").GetProperty("authorityRecordId").GetString(),
            good.Json.GetProperty("claims").GetProperty("subType").GetString()));
        Assert.Equal(200, (await Verify(coordinator, $$"""{"zone_id":"z1","authorization":"Bearer {{coordinator.Token(claims)}}","required_scope":"agent:lifecycle"}""")).Status);

        Assert.Equal("""{"valid":false,"error":"invalid_request"}""", (await Verify(coordinator, """{"zone_id":"z1","token":"x","more":1}""")).Body);
        Assert.Equal("""{"valid":false,"error":"missing_token"}""", (await Verify(coordinator, """{"zone_id":"z1"}""")).Body);
        foreach (var body in new[]
        {
            $$"""{"zone_id":"z2","token":"{{coordinator.Token(claims)}}"}""",
            $$"""{"zone_id":"z1","token":"{{coordinator.Token(claims)}}","required_scope":"x"}""",
            $$"""{"zone_id":"z1","token":"{{coordinator.Token(claims)}}","require_delegation":true}""",
            $$"""{"zone_id":"z1","token":"{{coordinator.Token(claims with { Use = MandateUse.Gateway })}}"}""",
            $$"""{"zone_id":"z1","token":"{{coordinator.Token(claims with { HopCount = 11 })}}"}""",
        })
        {
            var refused = await Verify(coordinator, body);
            Assert.Equal((401, """{"valid":false,"error":"token_invalid"}"""), (refused.Status, refused.Body));
        }

        var resource = coordinator.Token(claims with { Use = MandateUse.Resource, Audience = ["resource://r1"], Target = ["resource://r1"] });
        var accepted = await Verify(coordinator, $$"""{"zone_id":"z1","token":"{{resource}}","audience":"resource://r1"}""");
        Assert.Equal("""["resource://r1"]""", accepted.Json.GetProperty("claims").GetProperty("targetResources").GetRawText());
    }

    [Fact]
    public async Task Limits_each_address()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["VERIFY_RATE_LIMIT_PER_MIN"] = "2");
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(400, (await Verify(coordinator, "{}")).Status);
        }

        var limited = await Verify(coordinator, "{}");
        Assert.Equal((429, """{"valid":false,"error":"rate_limited"}"""), (limited.Status, limited.Body));
    }

    private static Task<Answer> Verify(TestCoordinator coordinator, string body) => coordinator.PostAsync("/v1/verify", null, body);
}
