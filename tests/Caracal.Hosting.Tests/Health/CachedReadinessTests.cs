using Caracal.Hosting.Health;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tests.Health;

public sealed class CachedReadinessTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly MovedTime _time = new();
    private readonly StringWriter _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task Probes_run_at_the_same_time()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        var readiness = Of(Long,
            ReadinessProbe.Answers("a", async budget => { first.SetResult(); await second.Task.WaitAsync(budget); }),
            ReadinessProbe.Answers("b", async budget => { second.SetResult(); await first.Task.WaitAsync(budget); }));
        Assert.Null(await readiness.FirstReasonAsync());
    }

    [Fact]
    public async Task Every_reason_is_known_and_the_first_in_order_is_told()
    {
        var readiness = Of(Long,
            ReadinessProbe.Holds("well", () => true),
            new(null, _ => throw new IOException("no reason of its own")),
            new("store", _ => throw new IOException("away")),
            new("other", _ => Task.FromResult<string?>("dead")),
            new("store", _ => throw new IOException("away")));
        Assert.Equal("store", await readiness.FirstReasonAsync());
        Assert.Equal(["store", "dead"], await readiness.ReasonsAsync());
    }

    [Fact]
    public async Task What_does_not_answer_within_the_budget_has_not_answered()
    {
        var readiness = Of(TimeSpan.FromMilliseconds(50), ReadinessProbe.Answers("hangs", _ => new TaskCompletionSource().Task));
        Assert.Equal("hangs", await readiness.FirstReasonAsync());
    }

    [Fact]
    public async Task An_answer_serves_for_a_second_and_for_everybody_who_asks_meanwhile()
    {
        var asked = 0;
        var gate = new TaskCompletionSource();
        var readiness = Of(Long, ReadinessProbe.Answers("a", async _ => { Interlocked.Increment(ref asked); await gate.Task; }));
        var all = Enumerable.Range(0, 10).Select(_ => readiness.FirstReasonAsync()).ToArray();
        gate.SetResult();
        await Task.WhenAll(all);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        await readiness.FirstReasonAsync();
        Assert.Equal(1, asked);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await readiness.FirstReasonAsync();
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Metrics_say_whether_it_is_ready_and_each_reason_that_holds()
    {
        string? reason = null;
        var readiness = Of(Long, new ReadinessProbe("x", _ => Task.FromResult(reason)));
        var metrics = new MetricsRegistry();
        readiness.Show(metrics);
        Assert.Contains("caracal_ready{service=\"sts\"} 0\n", metrics.ToText(), StringComparison.Ordinal); // nobody has looked yet
        await readiness.ReasonsAsync();
        Assert.Contains("caracal_ready{service=\"sts\"} 1\n", metrics.ToText(), StringComparison.Ordinal);
        Assert.DoesNotContain("caracal_not_ready{", metrics.ToText(), StringComparison.Ordinal);

        reason = "redis_unreachable";
        _time.Advance(TimeSpan.FromSeconds(1));
        await readiness.ReasonsAsync();
        Assert.Contains("caracal_ready{service=\"sts\"} 0\n", metrics.ToText(), StringComparison.Ordinal);
        Assert.Contains("caracal_not_ready{service=\"sts\",reason=\"redis_unreachable\"} 1\n", metrics.ToText(), StringComparison.Ordinal);

        readiness.Draining = true;
        Assert.Equal(CachedReadiness.DrainingReason, await readiness.FirstReasonAsync());
        Assert.Contains("caracal_not_ready{service=\"sts\",reason=\"draining\"} 1\n", metrics.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_tells_a_change_once()
    {
        var away = true;
        var readiness = Of(Long, ReadinessProbe.Answers("redis_unreachable", _ => away ? throw new IOException("away") : Task.CompletedTask));
        for (var i = 0; i < 4; i++)
        {
            away = i < 2;
            await readiness.ReasonsAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var lines = _log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("\"event\":\"ready_redis_unreachable\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"error_class\":\"IOException\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"event\":\"ready_again\"", lines[1], StringComparison.Ordinal);
    }

    private CachedReadiness Of(TimeSpan budget, params ReadinessProbe[] probes) =>
        new("sts", probes, budget, _time, new JsonLineLogging(_log, LogLevel.Debug, "test", "test").CreateLogger("sts"));

    private sealed class MovedTime : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }
}
