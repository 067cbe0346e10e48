using System.Net;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>
/// The limits of api.md 2.2. While the shared state is away the same limits are counted in process, so that an operator
/// can still revoke (README ruling 21).
/// </summary>
internal sealed class RateLimits(ControlPlaneSettings settings, ISharedState shared, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan CounterLifetime = TimeSpan.FromSeconds(90);

    private readonly InProcessState _local = new(time);

    public Task<Refusal?> CheckAddressAsync(IPAddress address, CancellationToken cancellationToken) =>
        PerMinuteAsync("api:v1_rl:ip", address.ToString(), settings.RateLimit, cancellationToken);

    public Task<Refusal?> CheckActorAsync(string tokenId, CancellationToken cancellationToken) =>
        PerMinuteAsync("api:v1_rl:actor", tokenId, settings.RateLimit, cancellationToken);

    /// <summary>Counts a failed authentication; refused once the address has failed too often this minute.</summary>
    public Task<Refusal?> CountFailureAsync(IPAddress address, CancellationToken cancellationToken) =>
        PerMinuteAsync("api:admin_auth_fail", address.ToString(), settings.AuthFailLimit, cancellationToken);

    /// <summary>Never for loopback, and never while only this process counts: probes must not fail because of probes (operations.md 6.2).</summary>
    public Task<Refusal?> CheckReadyAsync(IPAddress address, CancellationToken cancellationToken) =>
        IPAddress.IsLoopback(address)
            ? Task.FromResult<Refusal?>(null)
            : PerMinuteAsync("api:ready_rl", address.ToString(), settings.ReadyRateLimit, cancellationToken, onlyShared: true);

    /// <summary>A window of its own length, such as DCR's one second.</summary>
    public async Task<bool> AdmitAsync(string key, int limit, TimeSpan window, CancellationToken cancellationToken) =>
        await CountAsync(key, window, cancellationToken) <= limit;

    public void Dispose() => _local.Dispose();

    private async Task<Refusal?> PerMinuteAsync(string prefix, string subject, int limit, CancellationToken cancellationToken, bool onlyShared = false)
    {
        if (limit == 0) return null;
        var seconds = time.GetUtcNow().ToUnixTimeSeconds();
        var count = await CountAsync($"{prefix}:{subject}:{seconds / 60}", CounterLifetime, cancellationToken, onlyShared);
        return count <= limit ? null : ControlPlaneErrors.RateLimited with { RetryAfterSeconds = (int)(60 - (seconds % 60)) };
    }

    private async Task<long> CountAsync(string key, TimeSpan window, CancellationToken cancellationToken, bool onlyShared = false)
    {
        try
        {
            return await shared.IncrementAsync(key, window, cancellationToken);
        }
        catch (StreamsUnavailableException)
        {
            return onlyShared ? 0 : await _local.IncrementAsync(key, window, cancellationToken);
        }
    }
}
