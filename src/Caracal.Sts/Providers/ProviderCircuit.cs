using Caracal.Streams.State;
using Caracal.Sts.Health;

namespace Caracal.Sts.Providers;

/// <summary>Leaves a failing token endpoint alone: five failures in five minutes, then thirty seconds of silence, for all replicas (sts.md 9.2).</summary>
internal sealed class ProviderCircuit(ISharedState state, StsMetrics metrics)
{
    private const long Failures = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan OpenTime = TimeSpan.FromSeconds(30);

    public async ValueTask<bool> IsOpenAsync(string providerId, CancellationToken cancellationToken)
    {
        if (await state.GetAsync(OpenKey(providerId), cancellationToken) is null)
        {
            return false;
        }

        metrics.CircuitOpen();
        return true;
    }

    public async ValueTask FailedAsync(string providerId, CancellationToken cancellationToken)
    {
        if (await state.IncrementAsync(FailureKey(providerId), Window, cancellationToken) >= Failures)
        {
            await state.SetAsync(OpenKey(providerId), "1", OpenTime, cancellationToken);
        }
    }

    public async ValueTask SucceededAsync(string providerId, CancellationToken cancellationToken)
    {
        await state.DeleteAsync(FailureKey(providerId), cancellationToken);
        await state.DeleteAsync(OpenKey(providerId), cancellationToken);
    }

    private static string FailureKey(string providerId) => $"provider-refresh-failures:{providerId}";

    private static string OpenKey(string providerId) => $"provider-refresh-circuit:{providerId}";
}
