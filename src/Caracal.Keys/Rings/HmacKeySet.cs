using System.Collections.Immutable;

namespace Caracal.Keys.Rings;

/// <summary>All slots of one HMAC class at one moment; replaced as a whole, never edited.</summary>
public sealed class HmacKeySet
{
    /// <param name="classId">Class id of <see cref="KeyClass"/>.</param>
    /// <param name="current">Signs and verifies.</param>
    /// <param name="next">Verifies only.</param>
    /// <param name="previous">Verify only, at most 3.</param>
    /// <param name="archive">Audit only, at most 64: verifies history, never fresh evidence.</param>
    public HmacKeySet(
        string classId, HmacKey current, HmacKey? next = null,
        IEnumerable<HmacKey>? previous = null, IEnumerable<HmacKey>? archive = null)
    {
        ClassId = classId;
        Current = current;
        Next = next;
        Previous = previous is null ? [] : [.. previous];
        Archive = archive is null ? [] : [.. archive];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Previous.Length, 3, nameof(previous));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Archive.Length, 64, nameof(archive));
    }

    public string ClassId { get; }

    public HmacKey Current { get; }

    public HmacKey? Next { get; }

    public ImmutableArray<HmacKey> Previous { get; }

    public ImmutableArray<HmacKey> Archive { get; }

    /// <summary>Every key with its slot, in the order verification tries them.</summary>
    public IEnumerable<(KeySlot Slot, HmacKey Key)> All()
    {
        yield return (KeySlot.Current, Current);
        if (Next is not null) yield return (KeySlot.Next, Next);
        foreach (var key in Previous) yield return (KeySlot.Previous, key);
        foreach (var key in Archive) yield return (KeySlot.Archive, key);
    }

    /// <summary>The loaded key with this id, whatever its slot.</summary>
    public HmacKey? Find(string? keyId, out KeySlot slot)
    {
        slot = KeySlot.Current;
        if (Current.KeyId == keyId) return Current;
        slot = KeySlot.Next;
        if (Next is not null && Next.KeyId == keyId) return Next;
        slot = KeySlot.Previous;
        foreach (var key in Previous)
        {
            if (key.KeyId == keyId) return key;
        }

        slot = KeySlot.Archive;
        foreach (var key in Archive)
        {
            if (key.KeyId == keyId) return key;
        }

        slot = KeySlot.None;
        return null;
    }

    internal HmacKey? Match(ReadOnlySpan<byte> data, ReadOnlySpan<byte> mac, bool archive, out KeySlot slot)
    {
        slot = KeySlot.Current;
        if (Current.Verify(data, mac)) return Current;
        slot = KeySlot.Next;
        if (Next is not null && Next.Verify(data, mac)) return Next;
        slot = KeySlot.Previous;
        foreach (var key in Previous)
        {
            if (key.Verify(data, mac)) return key;
        }

        slot = KeySlot.Archive;
        foreach (var key in archive ? Archive : [])
        {
            if (key.Verify(data, mac)) return key;
        }

        slot = KeySlot.None;
        return null;
    }
}
