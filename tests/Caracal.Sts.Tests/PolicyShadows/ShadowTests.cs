using System.Diagnostics;
using Caracal.Authority.Policies;
using Caracal.Authority.PolicyShadows;
using Caracal.Protocol;
using Caracal.Sts.PolicyShadows;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.PolicyShadows;

/// <summary>A candidate beside the active set: heard, counted, and without any say.</summary>
public sealed class ShadowTests
{
    private const string Pay = "nucleus:pay";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Counts_what_a_candidate_answers_otherwise_and_decides_nothing(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var order = await BeginAsync(sts, Without(Pay));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint(), requestId: $"paid-{i}")).Status);

            // The first makes the instance look for the order; from then on nothing is missed.
            if (i == 0) await ReportAsync(sts, order, report => report.Evaluated == 1);
        }

        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint(("scope", "keyed:use"), ("resource", "resource://keyed")))).Status);
        var report = await ReportAsync(sts, order, report => report.Evaluated == 4);
        Assert.Equal((3, 1, 0), (report.NewlyDenied, report.Unchanged, report.NewlyAllowed));

        // Two of three are enough for this order; none of them holds a token.
        Assert.Equal(2, report.Examples.Count);
        Assert.All(report.Examples, example => Assert.Equal(
            ("newly_denied", "allow", StsHarness.Application, StsHarness.Resource, Pay, "s2"),
            (example.Change, example.Decided, example.PrincipalId, example.Resource, example.RequestedScopes[0], example.AgentSessionId)));
        Assert.NotEqual("", report.Examples[0].Reason);
        Assert.DoesNotContain("eyJ", report.ToJson(), StringComparison.Ordinal);
        var metrics = await sts.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("caracal_sts_policy_shadow_evaluations_total{change=\"newly_denied\"} 3", metrics, StringComparison.Ordinal);
        Assert.Contains("caracal_sts_policy_shadow_dropped_total 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_candidate_that_would_allow_more_opens_nothing()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.ActivateAsync(Without(Pay));
        var order = await BeginAsync(sts, StsHarness.Documents(), activateAgain: Without(Pay));
        Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint())).Status);
        await ReportAsync(sts, order, report => report.Evaluated == 1);
        for (var i = 0; i < 2; i++) Assert.Equal(403, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(3, (await ReportAsync(sts, order, report => report.Evaluated == 3)).NewlyAllowed);
    }

    [Fact]
    public async Task Counts_where_a_human_would_be_asked()
    {
        await using var sts = await StsHarness.StartAsync();
        var order = await BeginAsync(sts, StsHarness.Documents(
            """
            risk := [{"scope": "nucleus:pay", "tier": "high"}]
            approval_tiers := [{"tier": "high", "ttl_seconds": 600}]
            """));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(1, (await ReportAsync(sts, order, report => report.Evaluated == 1)).NewlyHeld);
    }

    [Fact]
    public async Task An_order_that_has_ended_or_is_of_another_zone_or_no_order_asks_nobody()
    {
        await using var sts = await StsHarness.StartAsync();
        var order = await BeginAsync(sts, Without(Pay));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        await ReportAsync(sts, order, report => report.Evaluated == 1);
        foreach (var text in (string[])[(order with { EndsAt = DateTimeOffset.UtcNow }).ToJson(), (order with { Id = "other", ZoneId = "zone-2" }).ToJson(), "no order"])
        {
            await sts.State.SetAsync(ShadowOrder.KeyOf(StsHarness.Zone), text, TimeSpan.FromHours(1), default);
            await Task.Delay(ShadowPolicies.LookInterval + TimeSpan.FromMilliseconds(100));

            // The first makes the instance look; that look has been made before the next is answered or soon after.
            Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
            await Task.Delay(200);
            Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        }

        Assert.Contains("caracal_sts_policy_shadow_evaluations_total{change=\"newly_denied\"} 1\n", await sts.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_candidate_that_cannot_be_had_is_reported_and_harms_nobody()
    {
        await using var sts = await StsHarness.StartAsync();
        var order = await BeginAsync(sts, Without(Pay), change: order => order with { ManifestSha256 = "0" });
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        var report = await ReportAsync(sts, order, report => report.Problem is not null);
        Assert.Equal((0, "the manifest does not match its hash"), (report.Evaluated, report.Problem));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
    }

    [Fact]
    public async Task Two_replicas_and_one_that_restarted_report_under_numbers_of_their_own()
    {
        await using var sts = await StsHarness.StartAsync();
        var order = await BeginAsync(sts, Without(Pay));
        await using (var other = await sts.ReplicaAsync())
        {
            using var form = new FormUrlEncodedContent(StsHarness.Mint().Select(field => new KeyValuePair<string, string>(field.Key, field.Value)));
            Assert.Equal(200, (int)(await other.Client.PostAsync("/oauth/2/token", form)).StatusCode);
            await ReportAsync(sts, order, report => report.Evaluated == 1);
        }

        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        await ReportAsync(sts, order, report => report.Evaluated == 2);
        await sts.RestartAsync();
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(3, (await ReportAsync(sts, order, report => report.Evaluated == 3)).NewlyDenied);
    }

    // Far more at once than the worker can keep up with.
    [Fact]
    public async Task What_the_queue_cannot_take_is_counted_and_nobody_waits()
    {
        await using var sts = await StsHarness.StartAsync();
        var order = await BeginAsync(sts, Without(Pay));
        var shadows = sts.Service.Shadows;
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        await ReportAsync(sts, order, report => report.Evaluated == 1);
        var question = new ShadowQuestion(
            new() { ZoneId = StsHarness.Zone, PrincipalId = StsHarness.Application, Scopes = [Pay] },
            new() { Id = "res-1", Identifier = StsHarness.Resource },
            PolicyDecision.Allow("test"),
            DateTimeOffset.UtcNow);
        var many = Enumerable.Repeat(question, 40 * ShadowPolicies.QueueLength).ToArray();
        var started = Stopwatch.GetTimestamp();
        shadows.Ask(many);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(2));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Mint())).Status);
        var report = await ReportAsync(sts, order, report => report.Evaluated + report.Dropped >= many.Length + 1);
        Assert.True(report.Dropped > 0);
        Assert.Equal(report.Dropped, shadows.Figures.Dropped);
    }

    private static string Without(string scope) => StsHarness.Documents().Replace($"\"{scope}\", ", "", StringComparison.Ordinal);

    // A version beside the active one, which is made active again after the store has given it its ids.
    private static async Task<ShadowOrder> BeginAsync(
        StsHarness sts, string candidate, string? activateAgain = null, Func<ShadowOrder, ShadowOrder>? change = null)
    {
        var version = await sts.ActivateAsync(candidate);
        var manifest = await sts.ScalarAsync<string>("SELECT manifest_json FROM policy_set_versions WHERE id = @version", new { version });
        await sts.ActivateAsync(activateAgain ?? StsHarness.Documents());
        var now = DateTimeOffset.UtcNow;
        var order = new ShadowOrder
        {
            Id = Ids.New(),
            ZoneId = StsHarness.Zone,
            PolicySetId = "set",
            VersionId = version,
            ManifestJson = manifest!,
            ManifestSha256 = (await sts.ScalarAsync<string>("SELECT manifest_sha256 FROM policy_set_versions WHERE id = @version", new { version }))!,
            StartedAt = now.AddSeconds(-1),
            EndsAt = now.AddHours(1),
            Examples = 2,
        };
        order = change?.Invoke(order) ?? order;
        await sts.State.SetAsync(ShadowOrder.KeyOf(StsHarness.Zone), order.ToJson(), TimeSpan.FromHours(1), default);
        return order;
    }

    // The sum over every number that was taken.
    private static async Task<ShadowReport> ReportAsync(StsHarness sts, ShadowOrder order, Predicate<ShadowReport> until)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var sum = new ShadowReport();
            for (var number = 0; number < ShadowOrder.MostReporters; number++)
            {
                if (ShadowReport.TryRead(await sts.State.GetAsync(order.ReportKey(number), default)) is not { } report) break;
                sum = sum.With(report);
            }

            if (until(sum)) return sum;
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(20), sum.ToJson());
            await Task.Delay(20);
        }
    }
}
