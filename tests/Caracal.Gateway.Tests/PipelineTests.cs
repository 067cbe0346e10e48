using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Tests;

public sealed class PipelineTests
{
    [Fact]
    public void A_verdict_nobody_set_refuses()
    {
        Verdict verdict = default;
        Assert.False(verdict.Passes);
        Assert.Equal(500, verdict.Refusal.Status);
        Assert.Equal("internal_error", verdict.Refusal.Code);
    }

    [Fact]
    [Trait("requirement", "R36")]
    public async Task The_steps_stand_in_the_order_of_the_specification()
    {
        await using var host = await Support.GatewayHost.StartAsync();
        Assert.Equal(
            [
                "CheckRevocationFreshness", "FindBearer", "LimitBearer", "ParseBearer", "CheckPreflightWindow",
                "RefuseClientHeader", "FindResource", "CheckZoneClaim", "CheckClientClaim", "CheckPath",
                "VerifySignature", "CheckMandateUse", "LimitBody", "CheckMcpMessage", "SpendMandate", "CheckRevocation",
                "CheckCircuit", "ExchangeMandate", "GuardUpstream", "CheckCredentialHost", "BuildRequest",
                "ReserveBudget", "SendRequest", "ObserveCredential", "RelayAnswer",
            ],
            host.Steps.Select(step => step.GetType().Name));
    }
}
