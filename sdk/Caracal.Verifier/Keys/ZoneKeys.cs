using Caracal.Protocol.Mandates;

namespace Caracal.Verifier.Keys;

/// <summary>
/// The JWKS of one issuer and zone (gateway.md B4): fresh for five minutes, usable for ten while it is fetched anew, one
/// fetch at a time. A key id that is not in it is asked for once in 30 s, and the issuer at most once a second.
/// </summary>
internal sealed class ZoneKeys : IDisposable
{
    public static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan UsableFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Spacing = TimeSpan.FromSeconds(1);
    private const int LargestNumberOfUnknownKeys = 64;

    private readonly JwksDocument _document;
    private readonly TimeProvider _time;
    private readonly Lock _turn = new();
    private readonly Dictionary<string, long> _askedFor = new(StringComparer.Ordinal);
    private volatile Known? _known;
    private Task<Known?>? _fetching;
    private long? _fetchedAt;

    public ZoneKeys(string issuer, string zoneId, HttpMessageInvoker? http, TimeProvider time)
    {
        _document = new JwksDocument(issuer, zoneId, http);
        _time = time;
    }

    /// <summary>The key, or null when there is none or the keys cannot be had.</summary>
    public ValueTask<EcPublicKey?> FindAsync(string? keyId, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(keyId))
        {
            return new((EcPublicKey?)null);
        }

        return _known is { } known && AgeOf(known) < FreshFor && known.Keys.Find(keyId) is { } key
            ? new(key)
            : new(FindSlowlyAsync(keyId, cancellationToken));
    }

    public async Task<bool> WarmupAsync(CancellationToken cancellationToken) =>
        (_known is { } known && AgeOf(known) < FreshFor) || await FetchAsync().WaitAsync(cancellationToken) is not null;

    public void Dispose() => _document.Dispose();

    private async Task<EcPublicKey?> FindSlowlyAsync(string keyId, CancellationToken cancellationToken)
    {
        var known = _known;
        if (known is not null && AgeOf(known) < UsableFor && known.Keys.Find(keyId) is { } key)
        {
            if (AgeOf(known) >= FreshFor)
            {
                _ = FetchAsync(); // its outcome is for whoever comes next
            }

            return key;
        }

        if (known is not null && AgeOf(known) < FreshFor && !MayAskFor(keyId))
        {
            return null;
        }

        return (await FetchAsync().WaitAsync(cancellationToken))?.Keys.Find(keyId);
    }

    private TimeSpan AgeOf(Known known) => _time.GetElapsedTime(known.At);

    private bool MayAskFor(string keyId)
    {
        lock (_turn)
        {
            if (_fetchedAt is { } fetched && _time.GetElapsedTime(fetched) < Spacing)
            {
                return _fetching is not null; // what is being fetched now may hold it
            }

            if (_askedFor.TryGetValue(keyId, out var asked) && _time.GetElapsedTime(asked) < AskAgain)
            {
                return false;
            }

            if (_askedFor.Count >= LargestNumberOfUnknownKeys)
            {
                _askedFor.Clear();
            }

            _askedFor[keyId] = _time.GetTimestamp();
            return true;
        }
    }

    // Shared by all who wait, and nobody's leaving ends it.
    private Task<Known?> FetchAsync()
    {
        lock (_turn)
        {
            if (_fetching is not null)
            {
                return _fetching;
            }

            if (_fetchedAt is { } fetched && _time.GetElapsedTime(fetched) < Spacing)
            {
                return Task.FromResult(Usable());
            }

            _fetchedAt = _time.GetTimestamp();
            _fetching = Task.Run(FetchOnceAsync);
            return _fetching;
        }
    }

    private async Task<Known?> FetchOnceAsync()
    {
        var keys = await _document.TryFetchAsync();
        lock (_turn)
        {
            _fetching = null;
            if (keys is not null)
            {
                _known = new Known(keys, _time.GetTimestamp());
            }

            return keys is null ? Usable() : _known;
        }
    }

    private Known? Usable() => _known is { } known && AgeOf(known) < UsableFor ? known : null;

    private sealed record Known(JsonWebKeySet Keys, long At);
}
