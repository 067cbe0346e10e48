using Caracal.Authority.Invocations;

namespace Caracal.Authority.Tests.Invocations;

/// <summary>The states of coordinator.md 9, every step from every state.</summary>
public sealed class InvocationRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 7, 11, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(InvocationStatus.Pending, 0, true)]
    [InlineData(InvocationStatus.Failed, 1, true)]
    [InlineData(InvocationStatus.Failed, 3, false)]
    [InlineData(InvocationStatus.Running, 1, false)]
    [InlineData(InvocationStatus.CancelRequested, 1, false)]
    [InlineData(InvocationStatus.Succeeded, 1, false)]
    [InlineData(InvocationStatus.Canceled, 0, false)]
    [InlineData(InvocationStatus.TimedOut, 3, false)]
    [InlineData(InvocationStatus.Dead, 0, false)]
    public void Starts_what_waits_and_what_failed_with_attempts_left(string status, int attempts, bool starts)
    {
        var step = InvocationRules.Start(In(status, attempts), Now);
        Assert.Equal(starts, step.Next is not null);
        if (step.Next is { } next)
        {
            Assert.Equal((InvocationStatus.Running, attempts + 1, Now.AddSeconds(30)), (next.Status, next.Attempts, next.DeadlineAt));
            Assert.Null(next.CompletedAt);
        }
        else
        {
            Assert.Same(InvocationRefusals.NotStartable, step.Refusal);
        }
    }

    [Fact]
    public void Waits_for_the_backoff_after_a_failure()
    {
        var failed = In(InvocationStatus.Failed, 1) with { CompletedAt = Now.AddMilliseconds(-900), RetryPolicyJson = InvocationRules.RetryPolicy(3, 1_000) };
        var early = InvocationRules.Start(failed, Now);
        Assert.Equal(("invocation_not_startable", 1), (early.Refusal!.Code, early.Refusal.RetryAfterSeconds));
        Assert.Equal(InvocationStatus.Running, InvocationRules.Start(failed, Now.AddMilliseconds(100)).Next!.Status);
    }

    [Fact]
    public void Never_retries_what_somebody_asked_to_end()
    {
        var asked = InvocationRules.Cancel(In(InvocationStatus.Running, 1), "enough", Now).Next!;
        Assert.Equal(InvocationStatus.CancelRequested, asked.Status);
        var failed = InvocationRules.Complete(asked, InvocationStatus.Failed, "\"boom\"", null, Now).Next!;
        Assert.Same(InvocationRefusals.NotStartable, InvocationRules.Start(failed, Now.AddHours(1)).Refusal);
        Assert.Same(InvocationRefusals.NotCancelable, InvocationRules.Cancel(failed, null, Now).Refusal);
        Assert.Equal(InvocationStatus.TimedOut, InvocationRules.Overdue(asked, Now.AddMinutes(1)).Next!.Status);
    }

    [Theory]
    [InlineData(InvocationStatus.Pending, 0, InvocationStatus.Canceled)]
    [InlineData(InvocationStatus.Failed, 1, InvocationStatus.Canceled)]
    [InlineData(InvocationStatus.Failed, 3, null)]
    [InlineData(InvocationStatus.Running, 1, InvocationStatus.CancelRequested)]
    [InlineData(InvocationStatus.CancelRequested, 1, null)]
    [InlineData(InvocationStatus.Succeeded, 1, null)]
    [InlineData(InvocationStatus.TimedOut, 3, null)]
    public void Cancels_what_is_not_over(string status, int attempts, string? becomes) =>
        Assert.Equal(becomes, InvocationRules.Cancel(In(status, attempts), null, Now).Next?.Status);

    [Theory]
    [InlineData(InvocationStatus.Running, true)]
    [InlineData(InvocationStatus.CancelRequested, true)]
    [InlineData(InvocationStatus.Pending, false)]
    [InlineData(InvocationStatus.Failed, false)]
    [InlineData(InvocationStatus.Succeeded, false)]
    public void Completes_only_what_runs(string status, bool completes) =>
        Assert.Equal(completes, InvocationRules.Complete(In(status, 1), InvocationStatus.Succeeded, null, null, Now).Next is not null);

    [Fact]
    public void Merges_metadata_and_says_why_a_deadline_ended_it()
    {
        var done = InvocationRules.Complete(
            In(InvocationStatus.Running, 1) with { MetadataJson = """{"a":1,"b":2}""" }, InvocationStatus.Failed, """{"code":7}""", """{"b":3}""", Now).Next!;
        Assert.Equal("""{"a":1,"b":3}""", done.MetadataJson);
        var late = InvocationRules.Overdue(
            In(InvocationStatus.Running, 1) with { ErrorJson = """{"code":7}""", DeadlineAt = Now }, Now).Next!;
        Assert.Equal((InvocationStatus.Failed, """{"code":7,"reason":"deadline_exceeded"}"""), (late.Status, late.ErrorJson));
        Assert.Equal(InvocationStatus.TimedOut, InvocationRules.Overdue(In(InvocationStatus.Running, 3) with { DeadlineAt = Now }, Now).Next!.Status);
        Assert.Null(InvocationRules.Overdue(In(InvocationStatus.Running, 1) with { DeadlineAt = Now.AddTicks(10) }, Now).Next);
        Assert.Equal(InvocationStatus.TimedOut, InvocationRules.Overdue(In(InvocationStatus.Pending, 0), Now.AddHours(24)).Next!.Status);
    }

    private static Invocation In(string status, int attempts) => new()
    {
        Id = "i",
        Status = status,
        Attempts = attempts,
        MaxAttempts = 3,
        TimeoutMs = 30_000,
        RetryPolicyJson = InvocationRules.RetryPolicy(3, 0),
        DeadlineAt = Now.AddSeconds(30),
        CreatedAt = Now,
        CompletedAt = status == InvocationStatus.Failed ? Now : null,
    };
}
