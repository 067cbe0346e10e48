using System.Security.Cryptography;
using System.Text;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.Streams.State;

namespace Caracal.Sts.RateLimits;

/// <summary>The fixed 60-second windows of sts.md 4. Shared state that cannot be reached throws, and the exchange answers 503.</summary>
internal sealed class ExchangeLimits(ISharedState state, StsSettings settings, ZoneConfigurationStore store)
{
    private const long MaximumFailures = 60;
    private const int LongestRemembered = 64; // anybody may send any id
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    // Every exchange asks for the same few; what is asked for beyond them takes their place.
    private readonly BlockedKey?[] _blocked = new BlockedKey?[64];

    private long _operatorCeiling = long.MaxValue;

    /// <summary>The key under which failures of an application id are counted.</summary>
    public static string FailureKey(string applicationId) =>
        "auth-rl:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(applicationId)));

    /// <summary>True while the application id is blocked for failed authentications.</summary>
    public async ValueTask<bool> IsBlockedAsync(string applicationId, CancellationToken cancellationToken) =>
        await state.GetAsync(BlockedKeyOf(applicationId), cancellationToken) is not null;

    /// <summary>Counts a failed authentication; false when it was one too many.</summary>
    public async ValueTask<bool> CountFailureAsync(string applicationId, CancellationToken cancellationToken)
    {
        var key = FailureKey(applicationId);
        if (await state.IncrementAsync(key, Window, cancellationToken) <= MaximumFailures)
        {
            return true;
        }

        await state.SetAsync(BlockedKeyOf(applicationId), "1", Window, cancellationToken);
        return false;
    }

    /// <summary>Counts an authenticated call of a client; false over its limit.</summary>
    public async ValueTask<bool> CountClientAsync(string zoneId, string applicationId, CancellationToken cancellationToken) =>
        await state.IncrementAsync($"rl:client:{zoneId}:{applicationId}", Window, cancellationToken) <= settings.ClientLimit;

    /// <summary>Counts a mint of an application for a resource; false over the ceiling.</summary>
    public async ValueTask<bool> CountMintAsync(string zoneId, string resourceId, string applicationId, CancellationToken cancellationToken)
    {
        var ceiling = Math.Min(settings.MintLimit, Volatile.Read(ref _operatorCeiling));
        return await state.IncrementAsync($"rl:{zoneId}:{resourceId}:{applicationId}", Window, cancellationToken) <= ceiling;
    }

    /// <summary>Counts a workload's authenticated call; false over the ceiling of mints.</summary>
    public async ValueTask<bool> CountRunAsync(string key, CancellationToken cancellationToken) =>
        await state.IncrementAsync(key, Window, cancellationToken) <= Math.Min(settings.MintLimit, Volatile.Read(ref _operatorCeiling));

    /// <summary>Reads the operator's ceiling again; an error keeps the last value. It can only lower the setting.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            Volatile.Write(ref _operatorCeiling, await store.ReadRateLimitAsync(cancellationToken) ?? long.MaxValue);
        }
        catch (StorageUnavailableException)
        {
            // The last value stands.
        }
    }

    private string BlockedKeyOf(string applicationId)
    {
        ref var slot = ref _blocked[(uint)applicationId.GetHashCode(StringComparison.Ordinal) % (uint)_blocked.Length];
        if (Volatile.Read(ref slot) is { } kept && kept.ApplicationId == applicationId)
        {
            return kept.Text;
        }

        var key = new BlockedKey(applicationId, FailureKey(applicationId) + ":blocked");
        if (applicationId.Length <= LongestRemembered)
        {
            Volatile.Write(ref slot, key);
        }

        return key.Text;
    }

    private sealed record BlockedKey(string ApplicationId, string Text);
}
