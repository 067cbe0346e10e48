using Caracal.Protocol.Context;
using Caracal.Sdk;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Federation;

/// <summary>
/// sdk.md 3 over the wire: people sign in and decide through the client library. Here and not beside its other call sequences,
/// because a whole STS fetches no keys from this machine, whatever an operator opens (sts.md 9.6).
/// </summary>
public sealed class ClientLibraryTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_person_signs_in_with_the_library_and_decides_about_what_waits_for_them(Engine engine)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await FederationTests.StartAsync(idp, engine);
        await sts.ActivateAsync(StsHarness.Documents(
            """
            risk := [{"scope": "nucleus:pay", "tier": "own"}]
            approval_tiers := [{"tier": "own", "approver": "subject", "ttl_seconds": 600}]
            """));
        await using var client = Library(sts);
        var ann = await client.FederateSubjectAsync(idp.Token(sub: "ann"), ttlSeconds: 60);
        Assert.Equal(60, ann.ExpiresIn);
        Assert.Equal("user", await sts.ScalarAsync<string>("SELECT session_type FROM authority_records WHERE id = @AuthorityRecordId AND subject_id = 'ann'", new { ann.AuthorityRecordId }));

        await CaracalContext.BindAsync(Delegated(), async () =>
        {
            var mandate = await client.WithApprovalAsync(async (approval, stop) =>
            {
                try
                {
                    return await client.MintMandateAsync(StsHarness.Resource, ["nucleus:pay"], approvalId: approval, cancellationToken: stop);
                }
                catch (ApprovalRequiredException held)
                {
                    Assert.Equal(("pending", "own", 401), (held.State, held.Tier, held.HttpStatus));
                    var elsewhere = await Assert.ThrowsAsync<CaracalException>(() => client.DecideApprovalAsync(held.ApprovalId, approve: true, new string('0', 64), ann.Token, cancellationToken: stop));
                    Assert.Equal((409, "access_denied"), (elsewhere.HttpStatus, elsewhere.Code));
                    await client.DecideApprovalAsync(held.ApprovalId, approve: true, held.Binding!, ann.Token, "it is mine", stop);
                    throw;
                }
            });
            Assert.NotEmpty(mandate.Token);
        });
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM step_up_challenges WHERE decision_reason = 'it is mine' AND consumed_at IS NOT NULL"));
    }

    [Theory]
    [InlineData("invalid_token", "somebody else", true)]
    [InlineData("invalid_token", "caracal", false)]
    public async Task Whom_the_issuer_did_not_sign_in_for_us_is_nobody(string code, string audience, bool signed)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var stranger = await IdentityProvider.StartAsync();
        await using var sts = await FederationTests.StartAsync(idp);
        await using var client = Library(sts);
        var refused = await Assert.ThrowsAsync<CaracalException>(() => client.FederateSubjectAsync((signed ? idp : stranger).Token(aud: audience)));
        Assert.Equal((401, code), (refused.HttpStatus, refused.Code));
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records WHERE session_type = 'user'"));
    }

    private static CaracalClient Library(StsHarness sts) => CaracalClient.FromOptions(new CaracalOptions
    {
        ZoneId = StsHarness.Zone,
        ApplicationId = StsHarness.Application,
        ClientSecret = StsHarness.Secret,
        StsUrl = sts.Client.BaseAddress!.ToString(),
    });

    // The Session and the Delegation of the harness.
    private static CaracalContext Delegated() =>
        CaracalContext.OfRequest("unused", StsHarness.Zone, StsHarness.Application, new ContextEnvelope { AgentSession = "s2", DelegationEdge = "e1" });
}
