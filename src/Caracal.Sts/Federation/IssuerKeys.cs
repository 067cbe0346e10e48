using System.Collections.Concurrent;
using Caracal.Egress;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Providers;

namespace Caracal.Sts.Federation;

/// <summary>The keys of a zone's subject issuers, fetched under the egress guard and kept for ten minutes, never longer (sts.md 2.5 step 2).</summary>
internal sealed class IssuerKeys(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, TimeProvider time)
{
    private const int LargestDocument = 256 * 1024;
    private const int MostIssuers = 1_000;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // A key id nobody has seen makes us look again, but not more often than this.
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    private readonly SingleFlight<Known> _flights = new(TimeSpan.FromSeconds(10));
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <summary>The issuer's key with this id; null when it has none or its document cannot be had.</summary>
    public async Task<IssuerKey?> FindAsync(SubjectIssuerRow issuer, string keyId, CancellationToken cancellationToken)
    {
        var name = $"{issuer.Id}\n{issuer.JwksUrl}";
        var known = Usable(name, keyId)
            ?? await _flights.RunAsync(name, ct => RememberAsync(name, issuer.JwksUrl, keyId, ct), joined: null, cancellationToken);
        return known?.Find(keyId);
    }

    // What need not be fetched again: it has the key, or was fetched just now.
    private Known? Usable(string name, string keyId) =>
        _known.TryGetValue(name, out var known) && time.GetElapsedTime(known.At) is var age && age < Life
        && (age < LookAgain || known.Find(keyId) is not null)
            ? known
            : null;

    private async Task<Known?> RememberAsync(string name, string url, string keyId, CancellationToken cancellationToken)
    {
        // Somebody may have finished between our look and our turn.
        if (Usable(name, keyId) is { } known)
        {
            return known;
        }

        if (await FetchAsync(url, cancellationToken) is not { } keys)
        {
            return null;
        }

        if (_known.Count >= MostIssuers)
        {
            _known.Clear();
        }

        return _known[name] = new Known(keys, time.GetTimestamp());
    }

    private async Task<IReadOnlyList<IssuerKey>?> FetchAsync(string url, CancellationToken cancellationToken)
    {
        // A literal address needs no resolver, so this machine is refused here, too (see PublicResolver).
        if (EgressUrl.TryParse(url) is not { IsTls: true } target || target.Uri.IsLoopback)
        {
            return null;
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target.Uri);
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            using var response = await send(request, deadline.Token);
            if ((int)response.StatusCode != 200)
            {
                return null;
            }

            return await LimitedBody.ReadAsync(response.Content, LargestDocument, deadline.Token) is { } body ? IssuerKey.TryReadAll(body) : null;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private sealed record Known(IReadOnlyList<IssuerKey> Keys, long At)
    {
        public IssuerKey? Find(string keyId) => Keys.FirstOrDefault(key => key.KeyId == keyId);
    }
}
