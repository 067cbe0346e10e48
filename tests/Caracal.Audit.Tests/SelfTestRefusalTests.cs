using System.Net;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Audit.Tests;

/// <summary>The half of V3 that shows that a forged event is refused (operations.md 4.7).</summary>
public sealed class SelfTestRefusalTests
{
    private const string Route = "/internal/selftest/refusal";

    [Fact]
    public async Task A_forged_event_becomes_a_dead_letter_is_removed_and_counts_as_no_failure()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        await audit.PublishEventAsync(Vectors.Event("e1"), new string('0', 64)); // a real one stays
        Assert.True(await RunAsync(audit));
        var left = Assert.Single(await audit.DeadLettersAsync());
        Assert.Equal("hmac_verify_failed", left["reason"]);
        Assert.Contains("e1", left["src_data"], StringComparison.Ordinal);
        Assert.Empty(await audit.RowsAsync("caracal.sys"));
        Assert.Contains("caracal_audit_hmac_failures_total 1\n", await MetricsAsync(audit), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_audit_that_verifies_nothing_does_not_pass()
    {
        await using var audit = await (await AuditHarness.CreateAsync(change: settings => settings with { AuditKeys = null })).ListenAsync();
        Assert.False(await RunAsync(audit));
        Assert.Empty(await audit.DeadLettersAsync());
    }

    [Fact]
    public async Task To_whoever_has_no_metrics_token_the_route_does_not_exist()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await audit.Http.PostAsync(Route, null)).StatusCode);
        Assert.Equal(0, await audit.Streams.LengthAsync(Topics.AuditDeadLetters, default));
    }

    private static async Task<bool> RunAsync(AuditHarness audit)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Route);
        request.Headers.Authorization = new("Bearer", AuditHarness.MetricsToken);
        using var answer = await audit.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("ok").GetBoolean();
    }

    private static async Task<string> MetricsAsync(AuditHarness audit) =>
        await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync();
}
