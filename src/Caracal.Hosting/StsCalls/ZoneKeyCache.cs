using System.Collections.Concurrent;
using Caracal.Protocol.Mandates;

namespace Caracal.Hosting.StsCalls;

/// <summary>
/// Zones' verification keys from the STS's JWKS, with the rules of gateway.md A5: five minutes per zone, one fetch at a
/// time per zone, a bounded number of zones, and a short memory for what could not be had.
/// </summary>
public sealed class ZoneKeyCache : IZoneKeys, IDisposable
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan UnknownZoneMemory = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan UnknownKeyMemory = TimeSpan.FromSeconds(30);

    // A fetch that failed is tried again after this; forged tokens must not turn an outage into a storm.
    private static readonly TimeSpan FaultMemory = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefetchSpacing = TimeSpan.FromSeconds(1);
    private const int LargestNumberOfZones = 10_000;
    private const int LargestNumberOfUnknownKeys = 64;

    private readonly ConcurrentDictionary<string, Zone> _zones = new(StringComparer.Ordinal);
    private readonly JwksSource _source;
    private readonly Action<string> _unavailable;
    private readonly TimeProvider _time;

    /// <param name="source">The STS.</param>
    /// <param name="unavailable">Told the cause whenever keys could not be had.</param>
    /// <param name="time">The clock of the cache's ages.</param>
    public ZoneKeyCache(JwksSource source, Action<string> unavailable, TimeProvider time)
    {
        _source = source;
        _unavailable = unavailable;
        _time = time;
    }

    public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken)
    {
        if (_zones.TryGetValue(zoneId, out var zone) && zone.Known is { } known && IsCurrent(known) && known.Keys?.Find(keyId) is { } key)
        {
            return new(key);
        }

        return new(FindSlowlyAsync(zoneId, keyId, cancellationToken));
    }

    public TimeSpan? AgeOf(string zoneId) => _zones.TryGetValue(zoneId, out var zone) && zone.Known is { Keys: not null } known ? _time.GetElapsedTime(known.At) : null;

    /// <summary>Forgets a zone's keys, because one of them changed.</summary>
    public void Drop(string zoneId)
    {
        if (_zones.TryGetValue(zoneId, out var zone))
        {
            zone.Known = null;
        }
    }

    public void Dispose() => _source.Dispose();

    private async Task<EcPublicKey?> FindSlowlyAsync(string zoneId, string keyId, CancellationToken cancellationToken)
    {
        var zone = ZoneOf(zoneId);
        await zone.Turn.WaitAsync(cancellationToken);
        try
        {
            if (zone.Known is not { } known || !IsCurrent(known))
            {
                known = await FetchAsync(zoneId, zone, cancellationToken);
            }

            if (known.Keys?.Find(keyId) is { } key)
            {
                return key;
            }

            return known.Keys is not null && MayRefetch(zone, keyId)
                ? (await FetchAsync(zoneId, zone, cancellationToken)).Keys?.Find(keyId)
                : null;
        }
        finally
        {
            zone.Turn.Release();
        }
    }

    private bool IsCurrent(Known known) => _time.GetElapsedTime(known.At) < known.Lifetime;

    private async Task<Known> FetchAsync(string zoneId, Zone zone, CancellationToken cancellationToken)
    {
        zone.FetchedAt = _time.GetTimestamp();
        var answer = await _source.FetchAsync(zoneId, cancellationToken);
        if (answer.Keys is null && !answer.ZoneUnknown)
        {
            _unavailable(answer.Fault ?? "");
        }

        // Never older keys in place of a failed fetch: a key may have been withdrawn as compromised.
        var lifetime = answer.Keys is not null ? Lifetime : answer.ZoneUnknown ? UnknownZoneMemory : FaultMemory;
        var known = new Known(answer.Keys, _time.GetTimestamp(), lifetime);
        zone.Known = known;
        return known;
    }

    // A key we have not seen may be a new one: once per key in 30 s and once a second per zone we ask.
    private bool MayRefetch(Zone zone, string keyId)
    {
        if (_time.GetElapsedTime(zone.FetchedAt) < RefetchSpacing
            || (zone.AskedFor.TryGetValue(keyId, out var asked) && _time.GetElapsedTime(asked) < UnknownKeyMemory))
        {
            return false;
        }

        if (zone.AskedFor.Count >= LargestNumberOfUnknownKeys)
        {
            zone.AskedFor.Clear();
        }

        zone.AskedFor[keyId] = _time.GetTimestamp();
        return true;
    }

    private Zone ZoneOf(string zoneId)
    {
        if (_zones.TryGetValue(zoneId, out var zone))
        {
            return zone;
        }

        if (_zones.Count >= LargestNumberOfZones)
        {
            Evict();
        }

        return _zones.GetOrAdd(zoneId, static _ => new Zone());
    }

    // Zones without keys go first: a flood of made-up zone ids must not push the real ones out.
    private void Evict()
    {
        foreach (var (id, zone) in _zones)
        {
            if (zone.Known?.Keys is null)
            {
                _zones.TryRemove(id, out _);
            }
        }

        if (_zones.Count >= LargestNumberOfZones)
        {
            _zones.Clear();
        }
    }

    private sealed record Known(JsonWebKeySet? Keys, long At, TimeSpan Lifetime);

    private sealed class Zone
    {
        private volatile Known? _known;

        public SemaphoreSlim Turn { get; } = new(1, 1);

        public Known? Known
        {
            get => _known;
            set => _known = value;
        }

        // Only read and written while holding the turn.
        public long FetchedAt { get; set; }

        public Dictionary<string, long> AskedFor { get; } = new(StringComparer.Ordinal);
    }
}
