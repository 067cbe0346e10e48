using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>One 32-byte key-encryption key and its 8-byte id, the start of SHA-256(KEK).</summary>
[DebuggerDisplay("{IdHex}")]
public sealed class Kek
{
    public const int Size = 32;
    public const int IdSize = 8;

    private readonly byte[] material;
    private readonly byte[] id;

    public Kek(ReadOnlySpan<byte> material)
    {
        if (material.Length != Size) throw new ArgumentException("a key-encryption key has 32 bytes", nameof(material));
        this.material = PinnedBytes.Copy(material);
        id = SHA256.HashData(material)[..IdSize];
        IdHex = Convert.ToHexStringLower(id);
        SecretId = Secrets.SecretId.Of(KeyClass.ZoneKek, material);
    }

    /// <summary>The id inside envelopes.</summary>
    public ReadOnlySpan<byte> Id => id;

    public string IdHex { get; }

    public string SecretId { get; }

    internal ReadOnlySpan<byte> Material => material;

    public override string ToString() => SecretId;
}

/// <summary>All slots of <c>ZONE_KEK</c> at one moment.</summary>
public sealed record KekSet(Kek Current, Kek? Next, ImmutableArray<Kek> Previous);

/// <summary>The live key-encryption keys: current seals, every slot opens (operations.md 4.1).</summary>
public sealed class KekRing
{
    private volatile KekSet keks;

    public KekRing(KekSet keks) => this.keks = keks;

    /// <summary>A ring with a single key, for tests and development.</summary>
    public static KekRing Of(ReadOnlySpan<byte> current) => new(new KekSet(new Kek(current), null, []));

    /// <summary>Which slots opened an envelope so far, and how many named a key that is not loaded.</summary>
    public SlotMatches Matches { get; } = new();

    public KekSet Keks => keks;

    public Kek Current => keks.Current;

    public void Replace(KekSet replacement) => keks = replacement;

    /// <summary>The loaded key with this 8-byte id; null when none has it.</summary>
    public Kek? Find(ReadOnlySpan<byte> id)
    {
        var kek = Find(keks, id, out var slot);
        Matches.Add(slot);
        return kek;
    }

    private static Kek? Find(KekSet snapshot, ReadOnlySpan<byte> id, out KeySlot slot)
    {
        slot = KeySlot.Current;
        if (snapshot.Current.Id.SequenceEqual(id)) return snapshot.Current;
        slot = KeySlot.Next;
        if (snapshot.Next is { } next && next.Id.SequenceEqual(id)) return next;
        slot = KeySlot.Previous;
        foreach (var kek in snapshot.Previous)
        {
            if (kek.Id.SequenceEqual(id)) return kek;
        }

        slot = KeySlot.None;
        return null;
    }
}
