using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Approvals;

/// <summary>sts.md 8.1 to 8.5: a gated mint is held, and an approval is spent once.</summary>
public sealed class ApprovalTests
{
    private const string Gate =
        """
        risk := [{"scope": "nucleus:pay", "tier": "high"}]
        approval_tiers := [{"tier": "high", "ttl_seconds": 600}]
        """;

    [Fact]
    public async Task A_gated_mint_is_held_and_the_same_request_meets_the_same_hold()
    {
        await using var sts = await GatedAsync();
        var held = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((401, "interaction_required"), (held.Status, held.Error));
        Assert.Equal("Bearer error=\"interaction_required\"", held.Response.Headers.WwwAuthenticate.ToString());
        Assert.Equal(("human_approval", "pending", "high"), (held.Text("approval_type"), held.Text("state"), held.Text("tier")));
        Assert.Equal(held.Text("approval_id"), held.Text("challenge_id"));
        Assert.Matches("^[0-9a-f]{64}$", held.Text("binding"));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", held.Text("approval_expires_at"));
        Assert.Equal(held.Text("approval_id"), (await sts.PostAsync(StsHarness.Mint())).Text("approval_id"));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        Assert.Single(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "step_up_issued");
    }

    [Fact]
    public async Task An_approval_is_spent_exactly_once_even_by_two_at_the_same_time()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        await DecideAsync(sts, id, "satisfied_at");
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => sts.PostAsync(StsHarness.Mint(("approval_id", id)))));
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        Assert.Single(answers.Where(a => a.Status == 200).Select(a => a.Claims.Sid).Distinct());
        Assert.All(answers, a => Assert.Contains(a.Status, new[] { 200, 409 }));
        Assert.Contains(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "step_up_consumed");
    }

    [Fact]
    public async Task An_approved_hold_releases_the_mint_even_without_its_id()
    {
        await using var sts = await GatedAsync();
        await DecideAsync(sts, await HoldAsync(sts), "satisfied_at");
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(401, (await sts.PostAsync(StsHarness.Mint())).Status);
    }

    [Fact]
    public async Task A_lost_answer_is_given_again_for_two_minutes_and_then_never()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        await DecideAsync(sts, id, "satisfied_at");
        var first = await sts.PostAsync(StsHarness.Mint(("approval_id", id)));
        var second = await sts.PostAsync(StsHarness.Mint(("approval_id", id)));
        Assert.Equal((200, first.Claims.Sid), (second.Status, second.Claims.Sid));
        Assert.Equal((first.Claims.Jti, first.Claims.ExpiresAt), (second.Claims.Jti, second.Claims.ExpiresAt));
        await sts.SqlAsync("UPDATE step_up_challenges SET consumed_at = @then", new { then = DateTimeOffset.UtcNow.AddSeconds(-121) });
        var third = await sts.PostAsync(StsHarness.Mint(("approval_id", id)));
        Assert.Equal((409, "approval_consumed"), (third.Status, third.Error));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task An_approval_is_one_call_however_often_its_mandate_is_asked_for(Engine engine)
    {
        await using var sts = await GatedAsync(engine);
        var id = await HoldAsync(sts);
        await DecideAsync(sts, id, "satisfied_at");
        var mandates = new List<string>();
        foreach (var ttl in (string[])["600", "600", "900"])
        {
            await Task.Delay(1_100, TestContext.Current.CancellationToken); // another second each
            mandates.Add((await sts.PostAsync(StsHarness.Mint(("approval_id", id), ("ttl_seconds", ttl)))).Text("access_token")!);
        }

        Assert.Equal(200, (await sts.ExchangeAsync(mandates[1])).Status);
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(mandates[0])));
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(mandates[2])));
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(mandates[1])));
        Assert.Equal((409, "approval_consumed"), Of(await sts.PostAsync(StsHarness.Mint(("approval_id", id), ("ttl_seconds", "60")))));
    }

    // Asked for with a resource that was skipped then, or by a name that differs in case alone, the binding is the same.
    [Theory]
    [InlineData("tier = 'low'")]
    [InlineData("approver_class = 'subject'")]
    [InlineData("metadata_json = '{\"resources\":[\"RESOURCE://nucleus\"]}'")]
    [InlineData("metadata_json = '{}'")]
    public async Task An_approval_of_less_than_policy_demands_now_releases_nothing(string less)
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        await DecideAsync(sts, id, "satisfied_at");
        var whole = await sts.ScalarAsync<string>("SELECT tier || approver_class || metadata_json FROM step_up_challenges");
        await sts.SqlAsync($"UPDATE step_up_challenges SET {less}");
        Assert.NotEqual(whole, await sts.ScalarAsync<string>("SELECT tier || approver_class || metadata_json FROM step_up_challenges"));
        var presented = await sts.PostAsync(StsHarness.Mint(("approval_id", id)));
        Assert.Equal((401, "approval not found or bindings do not match"), (presented.Status, presented.Description));

        // Nobody waits for its end: the next hold says what is demanded now.
        var held = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((401, "interaction_required", "pending", "high"), (held.Status, held.Error, held.Text("state"), held.Text("tier")));
        Assert.NotEqual(id, held.Text("approval_id"));
        await DecideAsync(sts, held.Text("approval_id")!, "satisfied_at");
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
    }

    [Fact]
    public async Task An_approval_fits_only_the_request_it_was_given_for()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        await DecideAsync(sts, id, "satisfied_at");
        foreach (var other in new[]
        {
            StsHarness.Mint(("approval_id", id), ("scope", "nucleus:read")),
            StsHarness.Mint(("approval_id", id), ("application_id", "app-o")),
            StsHarness.Mint(("approval_id", Guid.NewGuid().ToString())),
            StsHarness.Mint(("approval_id", "nonsense")),
        })
        {
            var answer = await sts.PostAsync(other);
            Assert.Equal((401, "approval not found or bindings do not match"), (answer.Status, answer.Description));
        }

        await sts.ActivateAsync(StsHarness.Documents(Gate + "\nconfinement := []"));
        Assert.Equal(401, (await sts.PostAsync(StsHarness.Mint(("challenge_id", id)))).Status);
    }

    [Fact]
    [Trait("requirement", "R91")]
    public async Task Five_misses_silence_the_application()
    {
        await using var sts = await GatedAsync();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(401, (await sts.PostAsync(StsHarness.Mint(("approval_id", "nonsense")))).Status);
        }

        var silenced = await sts.PostAsync(StsHarness.Mint(("approval_id", "nonsense")));
        Assert.Equal((429, "provider_rate_limited"), (silenced.Status, silenced.Error));
        Assert.NotNull(silenced.Response.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_rejected_and_an_expired_approval_open_nothing()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        Assert.Equal((401, "interaction_required"), Of(await sts.PostAsync(StsHarness.Mint(("approval_id", id)))));
        await DecideAsync(sts, id, "rejected_at");
        Assert.Equal((403, "access_denied"), Of(await sts.PostAsync(StsHarness.Mint(("approval_id", id)))));
        Assert.Equal((403, "access_denied"), Of(await sts.PostAsync(StsHarness.Mint())));
        await sts.SqlAsync("UPDATE step_up_challenges SET rejected_at = NULL, expires_at = 1");
        var expired = await sts.PostAsync(StsHarness.Mint(("approval_id", id)));
        Assert.Equal((401, "approval expired"), (expired.Status, expired.Description));
        Assert.NotEqual(id, await HoldAsync(sts));
    }

    [Fact]
    public async Task Operator_and_subject_tiers_together_are_refused()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(StsHarness.Documents(
            """
            risk := [{"scope": "nucleus:pay", "tier": "a"}]
            approval_tiers := [{"tier": "a", "approver": "operator"}, {"tier": "a", "approver": "subject"}]
            """));
        var answer = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((403, "approval requires separate operator and subject decisions"), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task The_status_shows_the_state_and_nothing_else()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        foreach (var path in new[] { "/approvals/", "/step-up/" })
        {
            var answer = await sts.GetAsync(path + id);
            Assert.Equal((200, "pending"), (answer.Status, answer.Text("state")));
            Assert.Equal(["id", "state", "expires_at"], answer.Body.EnumerateObject().Select(member => member.Name));
        }

        Assert.Equal(404, (await sts.GetAsync("/approvals/nonsense")).Status);
        Assert.Equal(404, (await sts.GetAsync($"/approvals/{Guid.NewGuid()}")).Status);
        Assert.Equal(400, (await sts.GetAsync($"/approvals/{id}?wait=-1")).Status);
        Assert.Equal(400, (await sts.GetAsync($"/approvals/{id}?wait=soon")).Status);
    }

    [Fact]
    public async Task A_waiter_wakes_on_the_decision()
    {
        await using var sts = await GatedAsync();
        var id = await HoldAsync(sts);
        var waiting = sts.GetAsync($"/approvals/{id}?wait=20");
        await sts.Owner.WriteAsync(async work =>
        {
            await Dapper.SqlMapper.ExecuteAsync(work.Connection, "UPDATE step_up_challenges SET satisfied_at = 1, approver_subject_id = 'operator' WHERE id = @id", new { id });
            work.Notify("caracal_approval_decided", id);
        });
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("approved", answer.Text("state"));
    }

    [Fact]
    public async Task A_gate_also_holds_the_gateway_exchange_of_a_custom_policy()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        await sts.ActivateAsync(
            """
            package caracal.authz

            import rego.v1

            result := {"decision": "allow", "evaluation_status": "complete", "diagnostics": [{"step_up_required": {"type": "human_approval", "tiers": [{"tier": "x"}]}}]}
            """);
        var held = await sts.Service.Exchange.ExchangeAsync(
            new("zone-1", "app-p", gateway.AsMemory(), StsHarness.Resource, "GET", "/pay", "r"), CancellationToken.None);
        Assert.Equal((401, "interaction_required", "pending"), (held.Failure!.Refusal.Status, held.Failure.Refusal.Code, held.Failure.Hold!.State));
        Assert.Equal(0, await sts.ScalarAsync<long>("SELECT count(*) FROM used_mandates"));
        Assert.Equal(MandateUse.Gateway, MandateToken.TryParse(gateway)!.Claims.Use);
    }

    private static async Task<StsHarness> GatedAsync(Engine engine = Engine.Sqlite)
    {
        var sts = await StsHarness.StartAsync(engine);
        await sts.ActivateAsync(StsHarness.Documents(Gate));
        return sts;
    }

    private static async Task<string> HoldAsync(StsHarness sts) => (await sts.PostAsync(StsHarness.Mint())).Text("approval_id")!;

    private static Task DecideAsync(StsHarness sts, string id, string column) =>
        sts.SqlAsync($"UPDATE step_up_challenges SET {column} = @now, approver_subject_id = 'operator' WHERE id = @id", new { id, now = DateTimeOffset.UtcNow });

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
