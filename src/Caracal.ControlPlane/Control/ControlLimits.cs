using System.Net;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.Control;

/// <summary>The counters of control.md 2. What cannot be counted is not executed: unlike the API's own limits these never fall back to this process.</summary>
internal sealed class ControlLimits(ControlSettings settings, ISharedState state, ISharedBuckets buckets, TimeProvider time)
{
    private static readonly TimeSpan CounterLifetime = TimeSpan.FromSeconds(90);

    /// <summary>Step 2.</summary>
    public async Task<ControlOutcome?> CheckAddressAsync(IPAddress address, CancellationToken cancellationToken)
    {
        if (settings.AddressLimit == 0) return null;
        try
        {
            var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
            var count = await state.IncrementAsync($"api:control_invoke_ip:{address}:{minute}", CounterLifetime, cancellationToken);
            return count <= settings.AddressLimit ? null : ControlOutcome.RateLimited;
        }
        catch (StreamsUnavailableException)
        {
            return ControlOutcome.Unavailable;
        }
    }

    /// <summary>Steps 4 and 5, in this order, so that a busy subject's tokens are not burnt.</summary>
    public async Task<ControlOutcome?> SpendAsync(ControlSubject subject, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            if (!await buckets.TakeTokenAsync($"api:control_bucket:{subject.ZoneId}:{subject.Subject}", settings.RateCapacity, settings.RateWindow, cancellationToken))
            {
                return ControlOutcome.RateLimited;
            }

            var life = subject.Expires - now;
            if (life <= TimeSpan.Zero) return ControlOutcome.Replayed;

            // Longer than it is remembered, a spent token would work again.
            if (life > settings.ReplayMemory) return ControlOutcome.Unauthorized with { Reason = "the token outlives the memory of spent tokens" };
            return await state.TryAddAsync($"caracal:control:jti:{subject.Jti}", "1", life, cancellationToken) ? null : ControlOutcome.Replayed;
        }
        catch (StreamsUnavailableException)
        {
            return ControlOutcome.Unavailable;
        }
    }
}
