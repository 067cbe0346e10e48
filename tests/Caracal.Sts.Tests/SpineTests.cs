using Caracal.Storage.TokenExchange;
using Caracal.Streams.State;
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

    // More ids than keys are remembered, and some too long to be.
    [Fact]
    public async Task Each_client_is_blocked_for_its_own_failures()
    {
        await using var sts = await StsHarness.StartAsync();
        using var state = new InProcessState(TimeProvider.System);
        var limits = new RateLimits.ExchangeLimits(state, StsHarness.Read(), new ZoneConfigurationStore(sts.Database));
        var ids = Enumerable.Range(0, 300).Select(i => $"app-{i}{(i % 3 == 0 ? new string('x', 70) : "")}").ToList();
        foreach (var id in ids.Where((_, i) => i % 2 == 0))
        {
            await state.SetAsync(RateLimits.ExchangeLimits.FailureKey(id) + ":blocked", "1", TimeSpan.FromMinutes(1), default);
        }

        for (var i = 0; i < ids.Count; i++)
        {
            Assert.Equal(i % 2 == 0, await limits.IsBlockedAsync(ids[i], default));
            Assert.True(await limits.IsBlockedAsync(ids[0], default));
        }
    }
}
