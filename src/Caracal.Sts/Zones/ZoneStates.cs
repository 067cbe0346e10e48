using System.Collections.Concurrent;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Jwks;
using Caracal.Sts.Policies;

namespace Caracal.Sts.Zones;

/// <summary>
/// The zones this instance has in memory. A state is used only for the version number that was read from the database
/// with the request's own rows, so a cache that missed every message is still never believed when it is old.
/// </summary>
internal sealed class ZoneStates(ZoneConfigurationStore store, PolicyLoader policies, ZoneKeyring keyring, TimeProvider time)
{
    /// <summary>How long keys may be served without a look at the database (sts.md 6.2).</summary>
    public static readonly TimeSpan KeyLife = TimeSpan.FromMinutes(15);

    /// <summary>How long a zone is taken for verification without another look; never for granting.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Slot> _zones = new(StringComparer.Ordinal);

    /// <summary>The zone at <paramref name="version"/> or newer; null when there is no such zone. Throws when it has to be read and cannot.</summary>
    public ValueTask<ZoneState?> GetAsync(string zoneId, long version, CancellationToken cancellationToken)
    {
        if (version == 0)
        {
            return ValueTask.FromResult<ZoneState?>(null);
        }

        // Reading the number was a look at the database, too.
        if (_zones.TryGetValue(zoneId, out var slot) && slot.State is { } state && state.Version >= version)
        {
            slot.CheckedAt = time.GetTimestamp();
            return ValueTask.FromResult<ZoneState?>(state);
        }

        return LoadAsync(zoneId, version, cancellationToken);
    }

    /// <summary>The zone as it is now.</summary>
    public async ValueTask<ZoneState?> GetFreshAsync(string zoneId, CancellationToken cancellationToken) =>
        await GetAsync(zoneId, await store.ReadVersionAsync(zoneId, cancellationToken), cancellationToken);

    /// <summary>What is in memory, however old; null when nothing is.</summary>
    public ZoneState? Peek(string zoneId, out TimeSpan age)
    {
        age = TimeSpan.Zero;
        if (!_zones.TryGetValue(zoneId, out var slot) || slot.State is not { } state)
        {
            return null;
        }

        age = time.GetElapsedTime(slot.CheckedAt);
        return state;
    }

    /// <summary>Forgets when the zone was last looked at, so that the next use reads again.</summary>
    public void Invalidate(string zoneId)
    {
        if (_zones.TryGetValue(zoneId, out var slot))
        {
            slot.CheckedAt = long.MinValue / 2;
        }
    }

    /// <summary>Forgets the zone's configuration and opened keys.</summary>
    public void Drop(string zoneId)
    {
        if (_zones.TryGetValue(zoneId, out var slot))
        {
            slot.DropKeys = true;
            slot.State = null;
        }
    }

    /// <summary>Loads again what failed to load, and what changed unnoticed.</summary>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        foreach (var (zoneId, slot) in _zones)
        {
            if (slot.Incomplete)
            {
                slot.State = null;
            }

            await GetFreshAsync(zoneId, cancellationToken);
        }
    }

    /// <summary>Loads every zone with an active policy set, at start.</summary>
    public async Task WarmAsync(CancellationToken cancellationToken)
    {
        foreach (var zoneId in await store.ListBoundZonesAsync(cancellationToken))
        {
            await GetFreshAsync(zoneId, cancellationToken);
        }
    }

    /// <summary>The greatest age of a loaded policy, for metrics.</summary>
    public TimeSpan OldestPolicyAge()
    {
        var oldest = TimeSpan.Zero;
        foreach (var slot in _zones.Values)
        {
            if (slot.State is not null && time.GetElapsedTime(slot.CheckedAt) is var age && age > oldest && age < TimeSpan.FromDays(3_650))
            {
                oldest = age;
            }
        }

        return oldest;
    }

    private async ValueTask<ZoneState?> LoadAsync(string zoneId, long version, CancellationToken cancellationToken)
    {
        var slot = _zones.GetOrAdd(zoneId, static _ => new Slot());
        await slot.Gate.WaitAsync(cancellationToken);
        try
        {
            if (slot.State is { } other && other.Version >= version)
            {
                return other;
            }

            var checkedAt = time.GetTimestamp();
            var configuration = await store.LoadAsync(zoneId, cancellationToken);
            if (configuration is null)
            {
                _zones.TryRemove(zoneId, out _);
                return null;
            }

            var (bundle, complete) = await policies.LoadAsync(zoneId, configuration.PolicySet, slot.LastPolicy, cancellationToken);
            var keys = keyring.Open(configuration.SigningKeys, slot.DropKeys ? null : slot.LastKeys);
            var state = new ZoneState(configuration, bundle, keys);
            slot.LastPolicy = bundle;
            slot.LastKeys = keys;
            slot.DropKeys = false;
            slot.Incomplete = !complete;
            slot.CheckedAt = checkedAt;
            slot.State = state;
            return state;
        }
        finally
        {
            slot.Gate.Release();
        }
    }

    private sealed class Slot
    {
        private ZoneState? _state;
        private long _checkedAt;

        /// <summary>One load at a time; the others wait for it.</summary>
        public SemaphoreSlim Gate { get; } = new(1);

        public ZoneState? State
        {
            get => Volatile.Read(ref _state);
            set => Volatile.Write(ref _state, value);
        }

        public long CheckedAt
        {
            get => Volatile.Read(ref _checkedAt);
            set => Volatile.Write(ref _checkedAt, value);
        }

        public PolicyBundle? LastPolicy { get; set; }
        public ZoneKeySet? LastKeys { get; set; }
        public bool DropKeys { get; set; }
        public bool Incomplete { get; set; }
    }
}
