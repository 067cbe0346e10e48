using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Tests;

public sealed class SpineTests
{
    [Fact]
    public void The_steps_stand_in_the_specifications_order()
    {
        var spine = new TokenExchangeSpine(null!);
        Assert.Equal(
            [
                "RefuseForbiddenFields", "CheckLifetimeField", "VerifyGatewaySignature", "CheckResourceFields", "CheckGrantFields",
                "CheckAuthenticationLimit", "ReadFacts", "AuthenticateClient", "FederateUser", "RequireResource",
                "RequireDatabaseTime", "VerifySubjectToken", "CheckPresentedApproval", "CheckSessionAndDelegation",
                "DecideResources", "HoldForApproval", "RefuseWhenNothingGranted", "RequireGatewayForSubjectTokens",
                "ChooseLifetime", "RecordAndSign", "BuildUpstreams",
            ],
            spine.Steps.Select(step => step.GetType().Name));
    }

    [Fact]
    public void A_verdict_nobody_gave_refuses()
    {
        var forgotten = default(Verdict);
        Assert.False(forgotten.GoesOn);
        Assert.Equal(500, forgotten.Refusal.Status);
    }

    [Fact]
    public void The_failure_counter_has_the_vectors_key()
    {
        Assert.Equal(
            "auth-rl:5eb7e725e6bac43f2a906437aa7be080081de786a7d12f7b9649be47b69d6ca0",
            RateLimits.ExchangeLimits.FailureKey("app-1"));
    }
}
