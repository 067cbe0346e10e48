using System.Buffers;
using Caracal.Keys.Rings;
using Caracal.Protocol.Streams;

namespace Caracal.Keys.Signatures;

/// <summary>What checking a stream message's <c>_sig</c> came to; the default refuses (streams.md 4).</summary>
public enum StreamVerdict
{
    Missing,
    AmbiguousField,
    Mismatch,
    Accepted,
}

/// <summary>The origin signature <c>_sig</c> of stream messages (streams.md 4, operations.md 3.2).</summary>
public static class StreamSignature
{
    public const string Field = StreamCanonicalForm.SignatureField;

    private const string AuditTopics = "caracal.audit.";

    /// <summary>The fields to publish: unsafe characters in values replaced by a space, nulls left out, <c>_sig</c> added last when there is a key.</summary>
    /// <remarks>Audit topics keep their values byte for byte: their <c>data</c> is signed on its own.</remarks>
    public static KeyValuePair<string, string>[] Seal(
        HmacKeyRing? ring, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields) =>
        Seal(ring?.Current, topic, fields);

    /// <summary>As the other overload with one named key: revocations are published once per key while a rotation is open (operations.md 4.6.4).</summary>
    public static KeyValuePair<string, string>[] Seal(
        HmacKey? key, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields)
    {
        var exact = topic.StartsWith(AuditTopics, StringComparison.Ordinal);
        var sealedFields = new List<KeyValuePair<string, string>>(fields.Count + 1);
        foreach (var (name, value) in fields)
        {
            if (value is null || name == Field) continue;
            sealedFields.Add(new(name, exact ? value : Clean(value)));
        }

        if (key is not null) sealedFields.Add(new(Field, Sign(key, topic, sealedFields)));
        return [.. sealedFields];
    }

    /// <summary>Lower-case hex over the fields as they are; <see cref="Seal(HmacKeyRing, string, IReadOnlyCollection{KeyValuePair{string, string}})"/> is what producers use.</summary>
    public static string Sign(HmacKeyRing ring, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields) =>
        Sign(ring.Current, topic, fields);

    public static string Sign(HmacKey key, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields)
    {
        var canonical = new ArrayBufferWriter<byte>(512);
        StreamCanonicalForm.Write(canonical, topic, fields);
        return key.SignHex(canonical.WrittenSpan);
    }

    /// <summary>Checks <c>_sig</c> against every slot; a message whose canonical text could mean something else is refused first.</summary>
    public static StreamVerdict Verify(
        HmacKeyRing ring, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields, out KeySlot slot)
    {
        slot = KeySlot.None;
        string? signature = null;
        var names = new HashSet<string>(fields.Count, StringComparer.Ordinal);
        var exact = topic.StartsWith(AuditTopics, StringComparison.Ordinal);
        foreach (var (name, value) in fields)
        {
            if (!names.Add(name)) return StreamVerdict.AmbiguousField;
            if (name == Field) signature = value;
            else if (!exact && StreamCanonicalForm.IsAmbiguous(name, value)) return StreamVerdict.AmbiguousField;
        }

        if (string.IsNullOrEmpty(signature)) return StreamVerdict.Missing;
        var canonical = new ArrayBufferWriter<byte>(512);
        StreamCanonicalForm.Write(canonical, topic, fields);
        return ring.VerifyHex(canonical.WrittenSpan, signature, out slot) ? StreamVerdict.Accepted : StreamVerdict.Mismatch;
    }

    /// <summary>CR, LF and NUL become spaces: values are not escaped in the canonical text, so they must not end a line (streams.md 4).</summary>
    public static string Clean(string value) =>
        value.AsSpan().IndexOfAny('\r', '\n', '\0') < 0
            ? value
            : value.Replace('\r', ' ').Replace('\n', ' ').Replace('\0', ' ');
}
