using System.Collections.Immutable;
using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;

namespace Caracal.Keys.Secrets;

// The keyed classes: each is read with all its slots and checked against operations.md 2.3.
public sealed partial class SecretSource
{
    private const int MaxPrevious = 3;
    private const int MaxArchive = 64;

    /// <summary>All slots of an HMAC class, for example <c>STREAMS_HMAC_KEY</c>; null when it is unset or wrong (a problem says so if it is required).</summary>
    public HmacKeyRing? HmacRing(string variable, bool required)
    {
        var classId = SecretFiles.ClassOf(variable);
        if (ReadSlots(variable, required, archive: classId == KeyClass.AuditHmac) is not { } slots)
        {
            if (!required) WarnUnsigned(variable, classId);
            return null;
        }

        var keys = slots.Select(slot => Decode(slot, classId, HmacProblem)).ToList();
        CheckSlotsDiffer(slots);
        if (keys.Contains(null)) return null;
        var decoded = keys.Select((bytes, index) => (slots[index].Slot, Key: ToKey(classId, bytes!))).ToList();
        var ring = new HmacKeyRing(new HmacKeySet(
            classId,
            decoded[0].Key,
            decoded.FirstOrDefault(key => key.Slot == KeySlot.Next).Key,
            decoded.Where(key => key.Slot == KeySlot.Previous).Select(key => key.Key),
            decoded.Where(key => key.Slot == KeySlot.Archive).Select(key => key.Key)));
        rings.Add(new LoadedRing(
            classId, slots[0].Secret.Source, () => RingSlots.Of(ring.Keys), fresh => fresh.HmacRing(variable, required: true)?.Keys is { } keys
                ? new RingReplacement(RingSlots.Of(keys), () => ring.Replace(keys)) : null)
        { Matches = ring.Matches });
        return ring;
    }

    /// <summary>All slots of <c>ZONE_KEK</c> or its alias <c>SECRET_STORE_KEK</c> (spec ruling 3).</summary>
    public KekRing? KekRing(bool required)
    {
        if (!Css1Envelope.IsSupported) problems.Add($"{SecretFiles.ZoneKek} cannot be used: this machine's cryptographic library lacks ChaCha20-Poly1305");
        if (ReadSlots(SecretFiles.ZoneKek, required, archive: false) is not { } slots) return null;

        var keys = slots.Select(slot => Decode(slot, KeyClass.ZoneKek, SecretRules.KekProblem)).ToList();
        CheckSlotsDiffer(slots);
        if (keys.Contains(null)) return null;
        var keks = keys.Select((bytes, index) => (slots[index].Slot, Kek: ToKek(bytes!))).ToList();
        var ring = new KekRing(new KekSet(
            keks[0].Kek,
            keks.FirstOrDefault(kek => kek.Slot == KeySlot.Next).Kek,
            [.. keks.Where(kek => kek.Slot == KeySlot.Previous).Select(kek => kek.Kek)]));
        rings.Add(new LoadedRing(
            KeyClass.ZoneKek, slots[0].Secret.Source, () => RingSlots.Of(ring.Keks), fresh => fresh.KekRing(required: true)?.Keks is { } read
                ? new RingReplacement(RingSlots.Of(read), () => ring.Replace(read)) : null)
        { Matches = ring.Matches });
        return ring;
    }

    /// <summary>All slots of a bearer token, for example <c>CARACAL_ADMIN_TOKEN</c>.</summary>
    public TokenRing? TokenRing(string variable, bool required)
    {
        if (ReadSlots(variable, required, archive: false) is not { } slots) return null;

        var classId = SecretFiles.ClassOf(variable);
        foreach (var slot in slots)
        {
            if (SecretRules.TokenWeakness(slot.Secret.Value.Reveal()) is { } weakness) Weak($"{slot.Secret.Variable} {weakness}");
            Hold(slot.Secret.Variable, classId, slot.Secret.Value.Utf8);

            // The same text may also be a key's, which is held by its bytes.
            if (Bytes(slot.Secret.Value.Reveal()) is { } bytes) Hold(slot.Secret.Variable, classId, bytes);
        }

        CheckSlotsDiffer(slots);
        var ring = new TokenRing(new TokenSet(
            classId,
            slots[0].Secret.Value,
            slots.FirstOrDefault(slot => slot.Slot == KeySlot.Next)?.Secret.Value,
            [.. slots.Where(slot => slot.Slot == KeySlot.Previous).Select(slot => slot.Secret.Value)]));
        rings.Add(new LoadedRing(
            classId, slots[0].Secret.Source, () => RingSlots.Of(ring.Tokens), fresh => fresh.TokenRing(variable, required: true)?.Tokens is { } tokens
                ? new RingReplacement(RingSlots.Of(tokens), () => ring.Replace(tokens)) : null)
        { Matches = ring.Matches });
        return ring;
    }

    /// <summary>Adds a problem for every two variables of different classes that hold the same bytes; call after all rings are read.</summary>
    public void CheckDistinct()
    {
        for (var i = 0; i < held.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (held[i].Class != held[j].Class && held[i].Digest.AsSpan().SequenceEqual(held[j].Digest.AsSpan())
                    && $"{held[j].Variable} and {held[i].Variable} must not be the same value" is var problem && !problems.Contains(problem))
                {
                    problems.Add(problem);
                }
            }
        }
    }

    private static byte[]? Bytes(string hex) =>
        hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : null;

    private List<SlotValue>? ReadSlots(string variable, bool required, bool archive)
    {
        var fileName = SecretFiles.FileNameOf(variable);
        var before = problems.Count;
        if (ResolveAliased(variable, "", fileName, "") is not { } current)
        {
            // A file that could not be read has said so already.
            if (required && problems.Count == before) problems.Add($"{variable} is required");
            return null;
        }

        List<SlotValue> slots = [new(KeySlot.Current, current)];
        if (ResolveAliased(variable, "_NEXT", fileName, ".next") is { } next) slots.Add(new(KeySlot.Next, next));
        AddList(slots, KeySlot.Previous, ResolveAliased(variable, "_PREVIOUS", fileName, ".previous"), MaxPrevious);
        if (archive) AddList(slots, KeySlot.Archive, ResolveAliased(variable, "_ARCHIVE", fileName, ".archive"), MaxArchive);
        return slots;
    }

    private ResolvedSecret? ResolveAliased(string variable, string suffix, string fileName, string fileSuffix)
    {
        var optional = suffix.Length > 0;
        var secret = Resolve(variable + suffix, fileName + fileSuffix, optional);
        if (variable != SecretFiles.ZoneKek) return secret;

        var alias = Resolve(SecretFiles.ZoneKekAlias + suffix, SecretFiles.FileNameOf(SecretFiles.ZoneKekAlias) + fileSuffix, optional);
        if (secret is not null && alias is not null && !secret.Value.Equals(alias.Value))
        {
            problems.Add($"{variable}{suffix} and {SecretFiles.ZoneKekAlias}{suffix} are both set and differ; set one");
        }

        return secret ?? alias;
    }

    private void AddList(List<SlotValue> slots, KeySlot slot, ResolvedSecret? list, int limit)
    {
        if (list is null) return;
        var values = list.Value.Reveal().Split([',', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (values.Length > limit) problems.Add($"{list.Variable} holds {values.Length} values, at most {limit} are allowed");
        slots.AddRange(values.Take(limit).Select(value => new SlotValue(slot, list with { Value = new SecretText(value) })));
    }

    private byte[]? Decode(SlotValue slot, string classId, Func<ReadOnlySpan<char>, string?> problemOf)
    {
        var text = slot.Secret.Value.Reveal();
        if (problemOf(text) is { } problem)
        {
            problems.Add($"{slot.Secret.Variable} {problem}");
            return null;
        }

        if (classId != KeyClass.ZoneKek && SecretRules.HmacWeakness(text) is { } weakness) Weak($"{slot.Secret.Variable} {weakness}");
        var bytes = Convert.FromHexString(text);
        Hold(slot.Secret.Variable, classId, bytes);
        return bytes;
    }

    private void CheckSlotsDiffer(List<SlotValue> slots)
    {
        for (var i = 1; i < slots.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                // Hex keys are equal in either case; tokens differ only in case practically never.
                if (!string.Equals(slots[i].Secret.Value.Reveal(), slots[j].Secret.Value.Reveal(), StringComparison.OrdinalIgnoreCase)) continue;
                problems.Add($"{slots[i].Secret.Variable} equals {slots[j].Secret.Variable}");
            }
        }
    }

    private void Hold(string variable, string classId, ReadOnlySpan<byte> raw) =>
        held.Add(new HeldValue(variable, classId, [.. SHA256.HashData(raw)]));

    // Operations.md 2.4: dev may run without these keys, and says what that means.
    private void WarnUnsigned(string variable, string classId)
    {
        if (classId == KeyClass.StreamsHmac) warnings.Add($"{variable} is not set: stream messages are neither signed nor verified");
        if (classId == KeyClass.AuditHmac) warnings.Add($"{variable} is not set: audit events are neither signed nor verified");
    }

    private void Weak(string text) => (published ? problems : warnings).Add(text);

    private static string? HmacProblem(ReadOnlySpan<char> text) => SecretRules.HmacProblem(text);

    private static HmacKey ToKey(string classId, byte[] bytes)
    {
        var key = new HmacKey(classId, bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    private static Kek ToKek(byte[] bytes)
    {
        var kek = new Kek(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return kek;
    }

    private sealed record SlotValue(KeySlot Slot, ResolvedSecret Secret);
}
