using Caracal.Coordinator.Tests.Support;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Tests.Authentication;

/// <summary>coordinator.md 3 and 20.2, 20.3 on the wire.</summary>
public sealed class AuthenticationTests
{
    private const string Agents = "/zones/z1/agents";

    [Fact]
    public async Task Refuses_what_is_no_lifecycle_mandate_of_the_zone()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        (await coordinator.GetAsync(Agents, null)).AssertRefused(401, "missing_token");
        (await coordinator.GetAsync(Agents, new string('x', 4097))).AssertRefused(401, "missing_token");
        (await coordinator.GetAsync(Agents, "garbage")).AssertRefused(401, "invalid_token");
        (await coordinator.GetAsync("/zones/z2/agents", coordinator.App1)).AssertRefused(403, "zone_mismatch");
        (await coordinator.GetAsync("/zones/z%202/agents", coordinator.App1)).AssertRefused(403, "zone_mismatch");

        var good = coordinator.Signer.Claims("z1", "app1", "rec-app1");
        var now = coordinator.Time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var bad in new[]
        {
            good with { Use = MandateUse.Gateway }, good with { Use = MandateUse.Resource }, good with { Issuer = "http://elsewhere" },
            good with { Audience = ["http://elsewhere"] }, good with { ExpiresAt = now - 61 }, good with { NotBefore = now + 600, Subject = null },
            good with { ClientId = null }, good with { ExpiresAt = 0 },
        })
        {
            (await coordinator.GetAsync(Agents, coordinator.Token(bad))).AssertRefused(401, "invalid_token");
        }

        (await coordinator.GetAsync(Agents, coordinator.Signer.Sign(good, withForeignKey: true))).AssertRefused(401, "invalid_token");
        (await coordinator.GetAsync(Agents, coordinator.Token(good with { Scope = "agent:lifecycles other" }))).AssertRefused(403, "missing_scope");
        Assert.Equal(200, (await coordinator.GetAsync(Agents, coordinator.Token(good with { ExpiresAt = now - 30 }))).Status);
    }

    [Fact]
    public async Task Refuses_a_bearer_whose_application_or_record_has_ended()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        (await coordinator.GetAsync(Agents, coordinator.Token("nobody"))).AssertRefused(401, "identity_revoked");
        Assert.Equal(200, (await coordinator.GetAsync(Agents, coordinator.App1)).Status);

        await coordinator.ExecuteAsync("UPDATE authority_records SET status = 'revoked' WHERE id = 'rec-app1'");
        (await coordinator.GetAsync(Agents, coordinator.App1)).AssertRefused(401, "identity_revoked");

        await coordinator.ExecuteAsync("UPDATE applications SET archived_at = 1 WHERE id = 'app2'");
        (await coordinator.GetAsync(Agents, coordinator.Token("app2"))).AssertRefused(401, "identity_revoked");
    }

    [Fact]
    [Trait("requirement", "R8")]
    public async Task Lets_the_operator_token_onto_its_list_and_nowhere_else()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        Assert.Equal(200, (await coordinator.GetAsync(Agents, TestSettings.OperatorToken)).Status);
        Assert.Equal(200, (await coordinator.GetAsync("/zones/z2/agents", TestSettings.OperatorToken)).Status);
        (await coordinator.PostAsync(Agents, TestSettings.OperatorToken, """{"application_id":"app1"}""")).AssertRefused(401, "invalid_token");
        (await coordinator.GetAsync("/zones/z1/invocations/i1", TestSettings.OperatorToken)).AssertRefused(401, "invalid_token");
        (await coordinator.GetAsync(Agents, TestSettings.OperatorToken + "x")).AssertRefused(401, "invalid_token");
    }

    [Fact]
    public async Task Answers_an_unknown_route_only_to_who_is_known()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        (await coordinator.GetAsync("/x", null)).AssertRefused(401, "missing_token");
        var unknown = await coordinator.GetAsync("/zones/z1/nothing?a=b", coordinator.App1);
        Assert.Equal(404, unknown.Status);
        Assert.Equal("Route GET:/zones/z1/nothing not found", unknown.Json.GetProperty("message").GetString());
        Assert.Equal("Not Found", unknown.Error);
        Assert.Equal(404, unknown.Json.GetProperty("statusCode").GetInt32());
    }

    [Fact]
    public async Task Demands_a_proof_before_it_anchors_a_session_to_somebody_else()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var user = coordinator.Signer.Claims("z1", "app1", "rec-user") with { Subject = "user-1", SubjectType = "user", Scope = null };

        (await Start(null)).AssertRefused(401, "invalid_subject_proof");
        (await Start("garbage")).AssertRefused(401, "invalid_subject_proof");
        (await Start(coordinator.Token(user with { ClientId = "app2" }))).AssertRefused(403, "subject_proof_application_mismatch");
        foreach (var bad in new[]
        {
            user with { Sid = "rec-app2", RootSid = "rec-app2" }, user with { RootSid = "other" }, user with { Scope = "x" },
            user with { SubjectType = "application" }, user with { AgentSessionId = "s" }, user with { Target = ["resource://r1"] },
            user with { Jti = null }, user with { Use = MandateUse.Resource }, user with { DelegationEdgeId = "e" },
        })
        {
            (await Start(coordinator.Token(bad))).AssertRefused(401, "invalid_subject_proof");
        }

        Assert.Equal("rec-user", (await Start(coordinator.Token(user))).Json.GetProperty("subject_authority_record_id").GetString());

        Task<Answer> Start(string? proof) => coordinator.PostAsync(Agents, coordinator.App1,
            $$"""{"application_id":"app1","subject_session_id":"rec-user"{{(proof is null ? "" : $",\"subject_token\":\"{proof}\"")}}}""");
    }

    [Fact]
    public async Task Asks_no_proof_for_the_applications_own_record_or_when_told_so()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        await coordinator.Owner.WriteAsync(work => TestCoordinator.AddRecordAsync(
            work, "rec-app1-b", "application", "app1", coordinator.Time.GetUtcNow().AddHours(1), coordinator.Time.GetUtcNow()));
        Assert.Equal(201, (await coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1","subject_session_id":"rec-app1-b"}""")).Status);
        (await coordinator.PostAsync(Agents, coordinator.App1, """{"application_id":"app1","subject_session_id":"rec-app2"}""")).AssertRefused(401, "invalid_subject_proof");

        await using var lax = await TestCoordinator.StartAsync(e => e["COORDINATOR_REQUIRE_SUBJECT_PROOF"] = "false");
        Assert.Equal(201, (await lax.PostAsync(Agents, lax.App1, """{"application_id":"app1","subject_session_id":"rec-user"}""")).Status);
        var missing = await lax.PostAsync(Agents, lax.App1, """{"application_id":"app1","subject_session_id":"nowhere"}""");
        missing.AssertRefused(404, "session_not_found");
        Assert.NotEqual("", missing.Json.GetProperty("detail").GetString());
    }
}
