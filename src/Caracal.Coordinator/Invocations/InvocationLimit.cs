using Caracal.Coordinator.Requests;
using Caracal.Protocol;

namespace Caracal.Coordinator.Invocations;

/// <summary>How many invocation calls a client may make in a minute (coordinator.md 9).</summary>
internal sealed class InvocationLimit(CoordinatorSettings settings, RateLimits limits)
{
    /// <summary>Null when within the limit.</summary>
    public async Task<Refusal?> CheckAsync(Call call) =>
        await limits.HitAsync(
            "invocation_rl", $"{call.ZoneId}:{call.Caller.ClientId}", settings.InvocationRateLimit, onlyShared: false, call.Aborted) is { } wait
            ? CoordinatorErrors.RateLimited with { RetryAfterSeconds = wait }
            : null;
}
