using System.Collections.Concurrent;

namespace Caracal.Sdk.TokenExchange;

/// <summary>Time limits that are used again: a source and its timer cost more than everything else a mint makes.</summary>
internal sealed class TimeLimits(TimeSpan budget)
{
    private const int Kept = 64;

    private readonly ConcurrentQueue<CancellationTokenSource> _idle = [];

    /// <summary>Ends when the budget is over or the caller leaves. Dispose it when nothing uses its token any more.</summary>
    public Limit Begin(CancellationToken caller)
    {
        if (!_idle.TryDequeue(out var source)) source = new CancellationTokenSource();
        source.CancelAfter(budget);
        return new Limit(this, source, caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source));
    }

    private void End(CancellationTokenSource source)
    {
        // What was cancelled, or is about to be, is not used again.
        if (_idle.Count < Kept && source.TryReset()) _idle.Enqueue(source);
        else source.Dispose();
    }

    /// <summary>One use of a source.</summary>
    public readonly struct Limit(TimeLimits limits, CancellationTokenSource source, CancellationTokenRegistration registration) : IDisposable
    {
        public CancellationToken Token => source.Token;

        public void Dispose()
        {
            registration.Dispose(); // waits for a callback that runs: after it nobody cancels the source for this use
            limits.End(source);
        }
    }
}
