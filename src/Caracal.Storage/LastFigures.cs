namespace Caracal.Storage;

/// <summary>Figures of stored rows for a scrape, which must not fail because the store does (operations.md 6.1).</summary>
public static class LastFigures
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    /// <summary>Reads them anew; while the store is away or too slow, those of the last time stay.</summary>
    public static async Task TryRefreshAsync(Func<CancellationToken, Task> read, CancellationToken cancellationToken)
    {
        using var budget = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        budget.CancelAfter(Budget);
        try
        {
            await read(budget.Token).WaitAsync(budget.Token);
        }
        catch (StorageUnavailableException)
        {
            // /ready and caracal_not_ready tell it.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The same.
        }
    }
}
