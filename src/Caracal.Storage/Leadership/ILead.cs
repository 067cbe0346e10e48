namespace Caracal.Storage.Leadership;

/// <summary>A lead that one of all processes on a store holds, until it is disposed or its connection ends.</summary>
public interface ILead : IAsyncDisposable
{
    /// <summary>Ends when the lead is to be given back, because its session's login goes.</summary>
    Task Ending { get; }

    /// <summary>False when it is lost, or nobody knows: another process may hold it by now.</summary>
    Task<bool> IsHeldAsync(CancellationToken cancellationToken);
}

/// <summary>The lead of a store that only one process uses.</summary>
internal sealed class SoleLead : ILead
{
    public Task Ending { get; } = new TaskCompletionSource().Task;

    public Task<bool> IsHeldAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
