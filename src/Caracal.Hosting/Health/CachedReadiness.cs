using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Health;

/// <summary>
/// Whether a role can do its work, and why not. All probes run at once within one budget, one round at a time, and its
/// answer serves for a second, so that who asks cannot overload what is asked (operations.md 6.2).
/// </summary>
/// <param name="role">The role, as metrics and log lines name it.</param>
/// <param name="probes">In the order in which their reasons are told.</param>
/// <param name="budget">What has not answered by then has not answered.</param>
/// <param name="time">The clock of the second.</param>
/// <param name="logger">Told when the reasons change.</param>
public sealed class CachedReadiness(string role, IReadOnlyList<ReadinessProbe> probes, TimeSpan budget, TimeProvider time, ILogger logger)
{
    /// <summary>The reason of a role that stops.</summary>
    public const string DrainingReason = "draining";

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<Answer>? _round;
    private volatile Answer? _last;

    /// <summary>Set when the role begins to stop: it is not ready from then on, whatever the probes would say.</summary>
    public bool Draining { get; set; }

    /// <summary>The first reason why the role is not ready; null when it is.</summary>
    public async Task<string?> FirstReasonAsync() => (await ReasonsAsync()) is [var first, ..] ? first : null;

    /// <summary>Every reason that holds, first the one to tell.</summary>
    public async Task<IReadOnlyList<string>> ReasonsAsync() => Draining ? [DrainingReason] : (await RoundAsync()).Reasons;

    /// <summary>Shows the last answer as metrics; who writes them asks first.</summary>
    public void Show(MetricsRegistry metrics)
    {
        metrics.Gauge($"caracal_ready{{service=\"{role}\"}}", () => Known is [] ? 1 : 0);
        metrics.Family("caracal_not_ready", "gauge", () => (Known ?? []).Select(reason => ($"service=\"{role}\",reason=\"{reason}\"", 1.0)));
    }

    private IReadOnlyList<string>? Known => Draining ? [DrainingReason] : _last?.Reasons;

    private Task<Answer> RoundAsync()
    {
        lock (_lock)
        {
            if (_round is not { } round || (round.IsCompleted && !(round.IsCompletedSuccessfully && IsFresh(round.Result))))
            {
                _round = round = Task.Run(AskAsync);
            }

            return round;
        }
    }

    private bool IsFresh(Answer answer)
    {
        var age = time.GetUtcNow() - answer.At;
        return age >= TimeSpan.Zero && age < Life;
    }

    private async Task<Answer> AskAsync()
    {
        using var limit = new CancellationTokenSource(budget);
        var found = (await Task.WhenAll(probes.Select(probe => AskAsync(probe, limit.Token)))).Where(one => one.Reason is not null).DistinctBy(one => one.Reason).ToList();
        Tell(found, _last?.Reasons ?? []);
        return _last = new Answer([.. found.Select(one => one.Reason!)], time.GetUtcNow());
    }

    private void Tell(List<(string? Reason, Exception? Fault)> found, IReadOnlyList<string> before)
    {
        foreach (var (reason, fault) in found.Where(one => !before.Contains(one.Reason))) ServiceLog.NotReady(logger, fault, role, reason!);
        if (found.Count == 0 && before.Count > 0) ServiceLog.Ready(logger, role);
    }

    // Whatever the fault is, the dependency did not do what was asked of it.
    private static async Task<(string? Reason, Exception? Fault)> AskAsync(ReadinessProbe probe, CancellationToken limit)
    {
        try
        {
            return (await Task.Run(() => probe.AskAsync(limit), CancellationToken.None).WaitAsync(limit), null);
        }
        catch (Exception fault)
        {
            return (probe.Reason, fault);
        }
    }

    private sealed record Answer(IReadOnlyList<string> Reasons, DateTimeOffset At);
}
