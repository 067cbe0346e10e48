using Caracal.Streams.State;
using Caracal.Sts.Health;

namespace Caracal.Sts.Providers;

/// <summary>Leaves a failing token endpoint alone: five failures in five minutes, then thirty seconds of silence, for all replicas (sts.md 9.2).</summary>
internal sealed class ProviderCircuit(ISharedState state, StsMetrics metrics)
{
    private const long Failures = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan OpenTime = TimeSpan.FromSeconds(30);

    public async ValueTask<bool> IsOpenAsync(string name, CancellationToken cancellationToken)
    {
        if (await state.GetAsync(OpenKey(name), cancellationToken) is null)
        {
            return false;
        }

        metrics.CircuitOpen();
        return true;
    }

    public async ValueTask FailedAsync(string name, CancellationToken cancellationToken)
    {
        if (await state.IncrementAsync(FailureKey(name), Window, cancellationToken) >= Failures)
        {
            await state.SetAsync(OpenKey(name), "1", OpenTime, cancellationToken);
        }
    }

    public async ValueTask SucceededAsync(string name, CancellationToken cancellationToken)
    {
        await state.DeleteAsync(FailureKey(name), cancellationToken);
        await state.DeleteAsync(OpenKey(name), cancellationToken);
    }

    private static string FailureKey(string name) => $"provider-refresh-failures:{name}";

    private static string OpenKey(string name) => $"provider-refresh-circuit:{name}";
}
