using System.Security.Cryptography;
using System.Text;

namespace Caracal.Sdk.TokenExchange;

/// <summary>Mandates that may be used again, the least used leaving first; keys hold keyed hashes of secrets, never secrets.</summary>
internal sealed class TokenCache(TimeProvider time)
{
    public const int Capacity = 10_000;
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(60);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _turn = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Mandate Mandate)>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, Mandate Mandate)> _byUse = [];

    public string KeyOf(ExchangeRequest request, CaracalCredentials credentials) => string.Join(
        '\n', credentials.ZoneId, credentials.ApplicationId, Digest(credentials.ClientSecret), Digest(request.SubjectToken),
        request.AuthorityRecordId, request.SessionId, request.DelegationId, request.TtlSeconds,
        string.Join(' ', request.Resources), string.Join(' ', request.Scopes));

    public Mandate? Find(string key)
    {
        lock (_turn)
        {
            if (!_entries.TryGetValue(key, out var entry)) return null;
            var mandate = entry.Value.Mandate;
            var half = TimeSpan.FromSeconds(mandate.ExpiresIn / 2.0);
            if (mandate.ExpiresAt - time.GetUtcNow() <= (half < Reserve ? half : Reserve))
            {
                Drop(entry);
                return null;
            }

            _byUse.Remove(entry);
            _byUse.AddFirst(entry);
            return mandate;
        }
    }

    public void Add(string key, Mandate mandate)
    {
        lock (_turn)
        {
            if (_entries.TryGetValue(key, out var old)) Drop(old);
            _entries[key] = _byUse.AddFirst((key, mandate));
            if (_entries.Count > Capacity) Drop(_byUse.Last!);
        }
    }

    public void Clear()
    {
        lock (_turn)
        {
            _entries.Clear();
            _byUse.Clear();
        }
    }

    private void Drop(LinkedListNode<(string Key, Mandate Mandate)> entry)
    {
        _entries.Remove(entry.Value.Key);
        _byUse.Remove(entry);
    }

    private string Digest(string? secret) => secret is null ? "" : Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(secret)));
}
