using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>The live keys of one HMAC class: everything that signs or verifies asks here (operations.md 4.1).</summary>
/// <remarks>Readers take one snapshot per call; a hot reload swaps it with a single write, so no call sees a mixed ring.</remarks>
public sealed class HmacKeyRing
{
    private volatile HmacKeySet keys;

    public HmacKeyRing(HmacKeySet keys) => this.keys = keys;

    /// <summary>A ring with a single key, for tests and development.</summary>
    public static HmacKeyRing Of(string classId, ReadOnlySpan<byte> current) =>
        new(new HmacKeySet(classId, new HmacKey(classId, current)));

    /// <summary>The slots as they are now.</summary>
    public HmacKeySet Keys => keys;

    public string ClassId => keys.ClassId;

    /// <summary>Which slots matched so far.</summary>
    public SlotMatches Matches { get; } = new();

    /// <summary>The key that signs now; take it once when the key id must match the signature.</summary>
    public HmacKey Current => keys.Current;

    public string KeyId => keys.Current.KeyId;

    public string SecretId => keys.Current.SecretId;

    /// <summary>Swaps all slots at once (operations.md 4.2).</summary>
    public void Replace(HmacKeySet replacement)
    {
        if (replacement.ClassId != keys.ClassId) throw new ArgumentException("the replacement belongs to another key class", nameof(replacement));
        keys = replacement;
    }

    public void Sign(ReadOnlySpan<byte> data, Span<byte> mac) => keys.Current.Sign(data, mac);

    public string SignHex(ReadOnlySpan<byte> data) => keys.Current.SignHex(data);

    /// <summary>Tries current, next, previous; never the archive.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> mac, out KeySlot slot)
    {
        var key = keys.Match(data, mac, archive: false, out slot);
        Matches.Add(slot);
        return key is not null;
    }

    /// <summary>As <see cref="Verify"/> for a hex MAC in either case; anything malformed does not match.</summary>
    public bool VerifyHex(ReadOnlySpan<byte> data, ReadOnlySpan<char> hexMac, out KeySlot slot)
    {
        slot = KeySlot.None;
        Span<byte> mac = stackalloc byte[HmacKey.MacSize];
        return LowerHex.TryDecodeAnyCase(hexMac, mac) && Verify(data, mac, out slot);
    }

    /// <summary>As <see cref="Verify"/> plus the archive: for history only, fresh evidence must not pass here (audit.md 9).</summary>
    public bool VerifyHistoric(ReadOnlySpan<byte> data, ReadOnlySpan<byte> mac, out KeySlot slot) =>
        keys.Match(data, mac, archive: true, out slot) is not null;

    /// <summary>The live key that made a hex MAC; a loaded key named by <paramref name="keyIdHint"/> is the only one tried (operations.md 4.6.3).</summary>
    public HmacKey? Match(ReadOnlySpan<byte> data, ReadOnlySpan<char> hexMac, string? keyIdHint, out KeySlot slot)
    {
        var key = MatchOne(data, hexMac, keyIdHint, out slot);
        Matches.Add(slot);
        return key;
    }

    /// <summary>The loaded key with this id, whatever its slot.</summary>
    public HmacKey? Find(string? keyId, out KeySlot slot) => keys.Find(keyId, out slot);

    private HmacKey? MatchOne(ReadOnlySpan<byte> data, ReadOnlySpan<char> hexMac, string? keyIdHint, out KeySlot slot)
    {
        var snapshot = keys;
        Span<byte> mac = stackalloc byte[HmacKey.MacSize];
        if (!LowerHex.TryDecodeAnyCase(hexMac, mac))
        {
            slot = KeySlot.None;
            return null;
        }

        if (string.IsNullOrEmpty(keyIdHint) || snapshot.Find(keyIdHint, out slot) is not { } named || slot == KeySlot.Archive)
        {
            return snapshot.Match(data, mac, archive: false, out slot);
        }

        if (named.Verify(data, mac)) return named;
        slot = KeySlot.None;
        return null;
    }
}
