using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Caracal.Evidence.Canonical;

internal enum CanonicalDialect
{
    Jsonb,
    Rfc8785,
}

// Both forms differ only in separators, key order, numbers and U+0000; the walk is one.
internal sealed class CanonicalWriter : IDisposable
{
    // A 9-byte number such as 1e131071 grows to 128 KiB; the bound keeps a hostile event from filling memory.
    private const int MaxOutput = 16 * 1024 * 1024;
    private const int MaxDepth = 256;

    private readonly CanonicalDialect dialect;
    private readonly ByteBuffer output = new(MaxOutput);
    private readonly ByteBuffer keys = new(MaxOutput);
    private readonly List<Member> members = new(16); // what a decision's metadata has
    private readonly Comparison<Member> byKey;

    public CanonicalWriter(CanonicalDialect dialect)
    {
        this.dialect = dialect;
        byKey = CompareMembers;
    }

    /// <summary>Bytes that it holds on to for the next document.</summary>
    public int Capacity => output.Capacity + keys.Capacity + (members.Capacity * Unsafe.SizeOf<Member>());

    public static JsonReaderOptions ReaderOptions => new() { MaxDepth = MaxDepth };

    /// <summary>The canonical bytes of a whole document; valid until the next call.</summary>
    public ReadOnlySpan<byte> WriteDocument(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        if (!reader.Read()) throw new JsonException("no JSON value");
        WriteNext(ref reader);
        reader.Read(); // Throws on anything but white space after the value.
        return output.Written;
    }

    /// <summary>The canonical bytes of the value the reader stands on; valid until the next call.</summary>
    public ReadOnlySpan<byte> WriteNext(ref Utf8JsonReader reader)
    {
        output.Truncate(0);
        keys.Truncate(0);
        members.Clear();
        WriteValue(ref reader);
        return output.Written;
    }

    public void Dispose()
    {
        output.Dispose();
        keys.Dispose();
    }

    private void WriteValue(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: WriteObject(ref reader); break;
            case JsonTokenType.StartArray: WriteArray(ref reader); break;
            case JsonTokenType.String: WriteString(reader.ValueSpan); break;
            case JsonTokenType.Number when dialect == CanonicalDialect.Jsonb: JsonbNumber.Write(reader.ValueSpan, output); break;
            case JsonTokenType.Number: EcmaNumber.Write(reader.ValueSpan, output); break;
            default: output.Write(reader.ValueSpan); break; // true, false, null
        }
    }

    private void WriteArray(ref Utf8JsonReader reader)
    {
        output.Write((byte)'[');
        for (var first = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; first = false)
        {
            if (!first) WriteComma();
            WriteValue(ref reader);
        }

        output.Write((byte)']');
    }

    private void WriteObject(ref Utf8JsonReader reader)
    {
        output.Write((byte)'{');
        var firstMember = members.Count;
        var firstKey = keys.Length;
        var start = output.Length;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var keyStart = keys.Length;
            JsonStrings.Decode(reader.ValueSpan, keys, dialect == CanonicalDialect.Jsonb);
            var keyLength = keys.Length - keyStart;
            var memberStart = output.Length;
            JsonStrings.WriteQuoted(keys.Written.Slice(keyStart, keyLength), output);
            output.Write(dialect == CanonicalDialect.Jsonb ? ": "u8 : ":"u8);
            reader.Read();
            WriteValue(ref reader);
            members.Add(new(members.Count, keyStart, keyLength, memberStart, output.Length - memberStart));
        }

        Arrange(firstMember, start);
        members.RemoveRange(firstMember, members.Count - firstMember);
        keys.Truncate(firstKey);
        output.Write((byte)'}');
    }

    // The members stand in input order from `start` on; put them in key order, last of equals only.
    private void Arrange(int firstMember, int start)
    {
        var count = members.Count - firstMember;
        if (count == 0) return;
        CollectionsMarshal.AsSpan(members).Slice(firstMember, count).Sort(byKey);
        var length = output.Length - start;
        var copy = ArrayPool<byte>.Shared.Rent(length);
        output.Written[start..].CopyTo(copy);
        output.Truncate(start);
        for (var i = firstMember; i < members.Count; i++)
        {
            var member = members[i];
            if (i + 1 < members.Count && CompareKeys(member, members[i + 1]) == 0) continue;
            if (output.Length > start) WriteComma();
            output.Write(copy.AsSpan(member.Start - start, member.Length));
        }

        ArrayPool<byte>.Shared.Return(copy);
    }

    private void WriteString(ReadOnlySpan<byte> raw)
    {
        var start = keys.Length;
        JsonStrings.Decode(raw, keys, dialect == CanonicalDialect.Jsonb);
        JsonStrings.WriteQuoted(keys.Written[start..], output);
        keys.Truncate(start);
    }

    private void WriteComma() => output.Write(dialect == CanonicalDialect.Jsonb ? ", "u8 : ","u8);

    private int CompareMembers(Member a, Member b)
    {
        var order = CompareKeys(a, b);
        return order != 0 ? order : a.Ordinal.CompareTo(b.Ordinal);
    }

    private int CompareKeys(Member a, Member b)
    {
        var x = keys.Written.Slice(a.KeyStart, a.KeyLength);
        var y = keys.Written.Slice(b.KeyStart, b.KeyLength);
        if (dialect == CanonicalDialect.Rfc8785) return CompareUtf16(x, y);
        return x.Length != y.Length ? x.Length.CompareTo(y.Length) : x.SequenceCompareTo(y);
    }

    // UTF-16 order is UTF-8 order except that astral characters (surrogates D800–DFFF) sort before U+E000–U+FFFF.
    private static int CompareUtf16(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        var common = x.CommonPrefixLength(y);
        while (common > 0 && common < x.Length && (x[common] & 0xC0) == 0x80) common--;
        Rune.DecodeFromUtf8(x[common..], out var a, out var aLength);
        Rune.DecodeFromUtf8(y[common..], out var b, out var bLength);
        if (aLength == 0 || bLength == 0) return aLength.CompareTo(bLength);
        return a.IsBmp == b.IsBmp ? a.CompareTo(b) : FirstUnit(a).CompareTo(FirstUnit(b));
    }

    private static int FirstUnit(Rune rune) => rune.IsBmp ? rune.Value : 0xD800 + ((rune.Value - 0x10000) >> 10);

    private readonly record struct Member(int Ordinal, int KeyStart, int KeyLength, int Start, int Length);
}
