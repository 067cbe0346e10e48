namespace Caracal.Hosting.Jobs;

/// <summary>The loops of one service: started together, cancelled together, awaited at stop.</summary>
public sealed class BackgroundTasks : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _tasks = [];

    /// <summary>Cancelled when the service stops.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Starts a loop that ends when its token is cancelled.</summary>
    public void Start(Func<CancellationToken, Task> loop) => _tasks.Add(Task.Run(() => loop(_stop.Token), CancellationToken.None));

    /// <summary>Cancels every loop and waits, at most <paramref name="limit"/>.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        await _stop.CancelAsync();
        try
        {
            await Task.WhenAll(_tasks).WaitAsync(limit, CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // A loop that ends by its token has ended well.
        }
        catch (TimeoutException)
        {
            // What does not end in time ends with the process.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromSeconds(5));
        _stop.Dispose();
    }
}
