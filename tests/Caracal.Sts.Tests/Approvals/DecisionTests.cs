using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Protocol.Mandates;
using Caracal.Sts.Tests.Federation;
using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Approvals;

/// <summary>sts.md 8.6: the person behind a request decides it, and nobody else in their place.</summary>
public sealed class DecisionTests
{
    [Theory]
    [InlineData(Engine.Sqlite, "approvals", "identified", "subject:ann")]
    [InlineData(Engine.Postgres, "step-up", "pseudonymous", null)]
    [InlineData(Engine.Sqlite, "approvals", "anonymous", "subject:redacted")]
    [InlineData(Engine.Postgres, "approvals", "identified", "subject:ann")]
    public async Task A_user_approves_and_whoever_waits_is_woken(Engine engine, string path, string privacy, string? name)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, engine, privacy: privacy);
        var (id, binding) = await HoldAsync(sts);
        var ann = await UserAsync(sts, idp, "ann");
        var waiting = sts.GetAsync($"/{path}/{id}?wait=20");
        var answer = await DecideAsync(sts, id, ann, new { decision = "approved", binding, reason = "looks right" }, path);
        Assert.Equal((200, id, "approved"), (answer.Status, answer.Text("id"), answer.Text("state")));
        Assert.Equal(["id", "state", "expires_at"], answer.Body.EnumerateObject().Select(member => member.Name));
        Assert.Equal("approved", (await waiting.WaitAsync(TimeSpan.FromSeconds(10))).Text("state"));
        var sid = MandateToken.TryParse(ann)!.Claims.Sid;
        var approver = await sts.ScalarAsync<string>("SELECT approver_subject_id FROM step_up_challenges WHERE approver_session_id = @sid AND decision_reason = 'looks right'", new { sid });
        Assert.Equal(name ?? $"subject:pseudonym:{Authority.Approvals.ApproverNames.Pseudonym("zone-1", "ann")}", approver);
        var announced = JsonDocument.Parse((await sts.ScalarAsync<string>(
            "SELECT payload_json FROM event_outbox WHERE stream_name = 'caracal.audit.events' AND request_id = @id", new { id }))!).RootElement;
        var data = JsonDocument.Parse(announced.GetProperty("data").GetString()!).RootElement;
        Assert.Equal(("step_up_decided", "approved", id), (Text(data, "event_type"), Text(data, "decision"), Text(data, "request_id")));
        Assert.Equal(announced.GetProperty("id").GetString(), Text(data, "id"));
        var metadata = data.GetProperty("metadata_json");
        Assert.Equal((id, "subject", sid, privacy, binding), (
            Text(metadata, "challenge_id"), Text(metadata, "approver_plane"), Text(metadata, "approver_session_id"),
            Text(metadata, "privacy_mode"), Text(metadata, "binding")));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint(("approval_id", id)))).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_rejection_stands_and_a_second_decision_is_none(Engine engine)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        var (id, binding) = await HoldAsync(sts);
        var ann = await UserAsync(sts, idp, "ann");
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i =>
            DecideAsync(sts, id, ann, new { decision = i % 2 == 0 ? "rejected" : "approved", binding })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal((409, "approval is not pending"), (answer.Status, answer.Description)));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE stream_name = 'caracal.audit.events'"));
        var decided = (await sts.GetAsync($"/approvals/{id}")).Text("state");
        Assert.Equal(answers.Single(answer => answer.Status == 200).Text("state"), decided);
    }

    [Fact]
    public async Task Each_check_answers_in_its_turn_and_changes_nothing()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var (id, binding) = await HoldAsync(sts);
        var ann = await UserAsync(sts, idp, "ann");
        var good = new { decision = "approved", binding };
        Assert.Equal((404, "resource_not_found"), Of(await DecideAsync(sts, "nonsense", null, good)));
        var noBearer = await DecideAsync(sts, id, null, "not json");
        Assert.Equal((401, "Bearer realm=\"caracal-sts\""), (noBearer.Status, noBearer.Response.Headers.WwwAuthenticate.ToString()));
        foreach (var body in new object[]
        {
            "not json", "[]", new { binding }, new { decision = "maybe", binding }, new { decision = "approved" },
            new { decision = "approved", binding = 7 }, new { decision = "approved", binding, reason = new string('é', 251) },
        })
        {
            Assert.Equal((400, "invalid_token"), Of(await DecideAsync(sts, id, ann, body)));
        }

        Assert.Equal((404, "resource_not_found"), Of(await DecideAsync(sts, Guid.NewGuid().ToString(), "a.b.c", good)));
        Assert.Equal((401, "invalid_token"), Of(await DecideAsync(sts, id, "a.b.c", good)));
        Assert.Equal((401, "invalid_token"), Of(await DecideAsync(sts, id, ann[..^4] + "AAAA", good)));
        Assert.Equal((403, "only a user may decide"), Why(await DecideAsync(sts, id, (await sts.PostAsync(StsHarness.Bootstrap())).Token, good)));
        Assert.Equal((409, "binding does not match the approval"), Why(await DecideAsync(sts, id, ann, new { decision = "approved", binding = new string('0', 64) })));
        Assert.Equal("pending", (await sts.GetAsync($"/approvals/{id}")).Text("state"));
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE stream_name = 'caracal.audit.events'"));
    }

    [Theory]
    [InlineData("UPDATE step_up_challenges SET application_id = NULL", "this approval is not for a user to decide")]
    [InlineData("UPDATE step_up_challenges SET application_id = 'app-o'", "approver does not belong to the requesting application")]
    [InlineData("UPDATE authority_records SET status = 'revoked' WHERE session_type = 'user'", "approver does not belong to the requesting application")]
    [InlineData("UPDATE step_up_challenges SET approver_class = 'operator'", "this approval is for an operator to decide")]
    [InlineData("UPDATE step_up_challenges SET subject_anchor = 'bob'", "this approval is another user's to decide")]
    [InlineData("UPDATE step_up_challenges SET session_id = (SELECT id FROM authority_records WHERE session_type = 'user')", "who asked may not approve")]
    [InlineData(
        "UPDATE step_up_challenges SET session_id = (SELECT id FROM authority_records WHERE session_type = 'application' LIMIT 1); "
        + "UPDATE authority_records SET parent_id = (SELECT id FROM authority_records WHERE session_type = 'user') WHERE session_type = 'application'",
        "who asked may not approve")]
    [InlineData(
        "UPDATE step_up_challenges SET session_id = (SELECT id FROM authority_records WHERE session_type = 'application' LIMIT 1); "
        + "UPDATE authority_records SET parent_id = (SELECT id FROM authority_records WHERE session_type = 'application' LIMIT 1) WHERE session_type = 'user'",
        "who asked may not approve")]
    public async Task Whoever_is_not_the_person_behind_the_request_may_not_decide(string change, string why)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var (id, binding) = await HoldAsync(sts);
        var ann = await UserAsync(sts, idp, "ann");
        await sts.SqlAsync(change);
        Assert.Equal((403, why), Why(await DecideAsync(sts, id, ann, new { decision = "approved", binding })));
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM step_up_challenges WHERE satisfied_at IS NOT NULL"));
    }

    [Fact]
    public async Task A_session_mandate_of_another_zone_or_class_decides_nothing()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var gateway = await sts.MintAsync(("resource", "resource://keyed"), ("scope", "keyed:use"));
        var (id, binding) = await HoldAsync(sts);
        Assert.Equal((401, "invalid_token"), Of(await DecideAsync(sts, id, gateway, new { decision = "approved", binding })));
        var ann = await UserAsync(sts, idp, "ann");
        await sts.SqlAsync("UPDATE step_up_challenges SET zone_id = 'zone-2'");
        Assert.Equal((401, "invalid_token"), Of(await DecideAsync(sts, id, ann, new { decision = "approved", binding })));
    }

    [Fact]
    public async Task Five_failures_silence_that_person_and_nobody_else()
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp);
        var (id, binding) = await HoldAsync(sts);
        var ann = await UserAsync(sts, idp, "ann");
        var bob = await UserAsync(sts, idp, "bob");
        var wrong = new { decision = "approved", binding = "wrong" };
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(409, (await DecideAsync(sts, id, bob, wrong)).Status);
        }

        var silenced = await DecideAsync(sts, id, bob, new { decision = "approved", binding });
        Assert.Equal((429, "provider_rate_limited"), Of(silenced));
        Assert.InRange(silenced.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 290, 300);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(401, (await DecideAsync(sts, id, "a.b.c", wrong)).Status);
        }

        Assert.Equal((429, "provider_rate_limited"), Of(await DecideAsync(sts, id, "a.b.c", wrong)));
        Assert.Equal("pending", (await sts.GetAsync($"/approvals/{id}")).Text("state"));
        Assert.Equal(200, (await DecideAsync(sts, id, ann, new { decision = "approved", binding })).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_sweeper_keeps_a_hold_for_a_day_after_its_last_event(Engine engine)
    {
        await using var idp = await IdentityProvider.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        await HoldAsync(sts);
        var store = new Storage.Approvals.HoldStore(sts.Database);
        var now = DateTimeOffset.UtcNow;
        await sts.SqlAsync("UPDATE step_up_challenges SET expires_at = @then", new { then = now.AddHours(-23) });
        Assert.Equal(0, await store.SweepAsync(now.AddHours(-24), CancellationToken.None));
        await sts.SqlAsync("UPDATE step_up_challenges SET expires_at = @then, rejected_at = @later", new { then = now.AddHours(-30), later = now.AddHours(-20) });
        Assert.Equal(0, await store.SweepAsync(now.AddHours(-24), CancellationToken.None));
        await sts.SqlAsync("UPDATE step_up_challenges SET rejected_at = @then", new { then = now.AddHours(-25) });
        Assert.Equal(1, await store.SweepAsync(now.AddHours(-24), CancellationToken.None));
    }

    private static async Task<StsHarness> StartAsync(IdentityProvider idp, Engine engine = Engine.Sqlite, string privacy = "identified")
    {
        var sts = await FederationTests.StartAsync(idp, engine);
        await sts.ActivateAsync(StsHarness.Documents(
            $$"""
            risk := [{"scope": "nucleus:pay", "tier": "high"}]
            approval_tiers := [{"tier": "high", "approver": "any", "ttl_seconds": 600, "privacy": "{{privacy}}"}]
            """));
        return sts;
    }

    private static async Task<(string Id, string Binding)> HoldAsync(StsHarness sts)
    {
        var held = await sts.PostAsync(StsHarness.Mint());
        return (held.Text("approval_id")!, held.Text("binding")!);
    }

    private static async Task<string> UserAsync(StsHarness sts, IdentityProvider idp, string subject) =>
        (await FederationTests.PresentAsync(sts, idp.Token(sub: subject))).Token;

    private static Task<Answer> DecideAsync(StsHarness sts, string id, string? bearer, object body, string path = "approvals")
    {
        var text = body as string ?? JsonSerializer.Serialize(body);
        var request = new HttpRequestMessage(HttpMethod.Post, $"/{path}/{id}/decision") { Content = new StringContent(text, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
        return sts.SendAsync(request);
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);

    private static (int, string?) Why(Answer answer) => (answer.Status, answer.Description);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
