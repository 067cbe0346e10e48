using System.Collections.Concurrent;
using Caracal.Authority.Policies;
using Caracal.Hosting.Logging;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.PolicyReplays;

/// <summary>
/// The replays of this process: one at a time, so that they cannot take the machine from those who decide, and one per zone.
/// Their reports lie in the shared state for an hour, where every replica reads them.
/// </summary>
internal sealed class ReplayRuns(PolicyReplay replay, ISharedState state, DatabaseClock clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    public static string KeyOf(string zoneId, string replayId) => $"api:policy_replay:{zoneId}:{replayId}";

    /// <summary>Starts a replay in the background; false when the zone has one already.</summary>
    public async Task<bool> TryStartAsync(ReplayRequest request, CompiledSet candidate, CancellationToken cancellationToken)
    {
        var begin = new TaskCompletionSource();
        if (!_running.TryAdd(request.ZoneId, begin.Task)) return false;
        var report = new ReplayReport(request);
        try
        {
            await StoreAsync(report, "running", null, cancellationToken);
        }
        catch
        {
            _running.TryRemove(request.ZoneId, out _);
            throw;
        }

        _running[request.ZoneId] = Task.Run(() => RunAsync(report, candidate), CancellationToken.None);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAny(Task.WhenAll(_running.Values), Task.Delay(TimeSpan.FromSeconds(5), clock.Process));
        _stopping.Dispose();
        _turn.Dispose();
    }

    private async Task RunAsync(ReplayReport report, CompiledSet candidate)
    {
        try
        {
            await _turn.WaitAsync(_stopping.Token);
            try
            {
                await replay.RunAsync(report, candidate, () => StoreAsync(report, "running", null, _stopping.Token), _stopping.Token);
            }
            finally
            {
                _turn.Release();
            }

            await StoreAsync(report, "done", null, CancellationToken.None);
        }
        catch (Exception fault)
        {
            // Also when the process stops in the middle: a report that stays "running" for ever would be a lie.
            if (fault is not OperationCanceledException) ServiceLog.JobFailed(log, fault, "policy-replay");
            await FailAsync(report, fault is OperationCanceledException ? "the service stopped" : "the ledger could not be read");
        }
        finally
        {
            _running.TryRemove(report.Request.ZoneId, out _);
        }
    }

    private async Task FailAsync(ReplayReport report, string why)
    {
        try
        {
            await StoreAsync(report, "failed", why, CancellationToken.None);
        }
        catch (StreamsUnavailableException)
        {
            // Nobody can read the report either.
        }
    }

    private Task StoreAsync(ReplayReport report, string word, string? error, CancellationToken cancellationToken) =>
        state.SetAsync(KeyOf(report.Request.ZoneId, report.Request.Id), report.ToJson(word, clock.Now, error), Kept, cancellationToken).AsTask();
}
