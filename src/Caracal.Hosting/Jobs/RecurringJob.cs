using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Jobs;

/// <summary>Work that runs again and again without overlapping itself; a failed run is logged and the next one comes in its time.</summary>
/// <param name="name">For logs.</param>
/// <param name="interval">From the end of one run to the start of the next; the first run comes one interval after start.</param>
/// <param name="run">One run.</param>
public sealed class RecurringJob(string name, TimeSpan interval, Func<CancellationToken, Task> run)
{
    // The end of the last run; before the first, the start.
    private long? _since;

    public string Name { get; } = name;

    /// <summary>The first run comes at once and not after an interval.</summary>
    public bool StartsAtOnce { get; init; }

    /// <summary>Runs finished so far, failed ones included.</summary>
    public long Runs { get; private set; }

    /// <summary>Runs until cancelled. Called again after that it goes on in its rhythm; a run that was broken off is made at once.</summary>
    public async Task RunAsync(TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        _since ??= time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var wait = interval - time.GetElapsedTime(_since.Value);
                if (wait > TimeSpan.Zero && (Runs > 0 || !StartsAtOnce)) await Task.Delay(wait, time, cancellationToken);
                await run(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                ServiceLog.JobFailed(logger, fault, Name);
            }

            Runs++;
            _since = time.GetTimestamp();
        }
    }
}
