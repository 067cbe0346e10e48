using System.Diagnostics;
using Caracal.Hosting.Jobs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Hosting.Tests.Jobs;

public sealed class RecurringJobTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Called_again_it_keeps_its_rhythm_and_makes_a_run_that_was_broken_off_at_once()
    {
        var (begun, ended) = (0, 0);
        var hold = false;
        var job = new RecurringJob("job", Long, async token =>
        {
            begun++;
            if (hold) await Task.Delay(Timeout.InfiniteTimeSpan, token);
            ended++;
        })
        { StartsAtOnce = true };

        hold = true;
        await ForATimeAsync(job, () => begun == 1);
        Assert.Equal((1, 0), (begun, ended)); // broken off
        hold = false;
        await ForATimeAsync(job, () => ended == 1);
        Assert.Equal((2, 1), (begun, ended));
        await ForATimeAsync(job, until: null);
        Assert.Equal((2, 1), (begun, ended)); // not due for an hour
        Assert.Equal(1, job.Runs);
    }

    [Fact]
    public async Task The_first_run_comes_an_interval_after_the_first_start_however_often_it_is_started()
    {
        var runs = 0;
        var job = new RecurringJob("job", TimeSpan.FromSeconds(2), _ =>
        {
            runs++;
            return Task.CompletedTask;
        });
        var start = Stopwatch.GetTimestamp();
        while (runs == 0 && Stopwatch.GetElapsedTime(start) < Patience) await ForATimeAsync(job, () => runs > 0, TimeSpan.FromMilliseconds(300));
        Assert.Equal(1, runs);
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromSeconds(1.9));
    }

    // Until something holds, or, where nothing shall happen, for a moment.
    private static async Task ForATimeAsync(RecurringJob job, Func<bool>? until, TimeSpan? atMost = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = job.RunAsync(TimeProvider.System, NullLogger.Instance, stop.Token);
        var start = Stopwatch.GetTimestamp();
        var limit = until is null ? TimeSpan.FromMilliseconds(200) : atMost ?? Patience;
        while (until?.Invoke() != true && Stopwatch.GetElapsedTime(start) < limit) await Task.Delay(10, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await running;
    }
}
