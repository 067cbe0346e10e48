using System.Collections.Concurrent;

namespace Caracal.Sts.Providers;

/// <summary>
/// Of all who want the same thing at the same time one does the work. A caller that goes away does not take it from the
/// others. Work that does not end within the limit gives nothing: the default of <typeparamref name="T"/>.
/// </summary>
internal sealed class SingleFlight<T>(TimeSpan limit)
    where T : class
{
    private readonly ConcurrentDictionary<string, Lazy<Task<T?>>> _flights = new(StringComparer.Ordinal);

    /// <param name="key">What they want.</param>
    /// <param name="work">Done once for all that come while it lasts.</param>
    /// <param name="joined">Called when somebody else is already at it.</param>
    /// <param name="cancellationToken">Ends this caller's wait only.</param>
    public Task<T?> RunAsync(string key, Func<CancellationToken, Task<T?>> work, Action? joined, CancellationToken cancellationToken)
    {
        var mine = new Lazy<Task<T?>>(() => FlyAsync(key, work));
        var flight = _flights.GetOrAdd(key, mine);
        if (!ReferenceEquals(flight, mine))
        {
            joined?.Invoke();
        }

        return flight.Value.WaitAsync(cancellationToken);
    }

    private async Task<T?> FlyAsync(string key, Func<CancellationToken, Task<T?>> work)
    {
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            // Off the first caller's path, so that the flight is listed before it can end.
            await Task.Yield();
            return await work(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            _flights.TryRemove(key, out _);
        }
    }
}
