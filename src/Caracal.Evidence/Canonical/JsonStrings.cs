using System.Buffers;
using System.Globalization;
using System.Text;

namespace Caracal.Evidence.Canonical;

// Decodes and re-escapes JSON string content. Utf8JsonReader checks the syntax but throws on lone surrogates
// and passes broken UTF-8 through; evidence must survive both, so the text is decoded here.
internal static class JsonStrings
{
    private static readonly SearchValues<byte> NeedsEscape =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    private static ReadOnlySpan<byte> Replacement => "\uFFFD"u8;

    /// <summary>Appends the decoded UTF-8 text; what no encoding can hold becomes U+FFFD, U+0000 is dropped on request.</summary>
    public static void Decode(ReadOnlySpan<byte> raw, ByteBuffer target, bool dropNul)
    {
        while (!raw.IsEmpty)
        {
            if (raw[0] == '\\')
            {
                raw = raw[DecodeEscape(raw, target, dropNul)..];
            }
            else if (raw[0] < 0x80)
            {
                var run = raw.IndexOfAnyExceptInRange((byte)0, (byte)0x7f);
                var ascii = run < 0 ? raw : raw[..run];
                var escape = ascii.IndexOf((byte)'\\');
                if (escape >= 0) ascii = ascii[..escape];
                target.Write(ascii);
                raw = raw[ascii.Length..];
            }
            else
            {
                var status = Rune.DecodeFromUtf8(raw, out _, out var consumed);
                target.Write(status == OperationStatus.Done ? raw[..consumed] : Replacement);
                raw = raw[consumed..];
            }
        }
    }

    /// <summary>Appends the quoted text, escaping no more than JSON demands.</summary>
    public static void WriteQuoted(ReadOnlySpan<byte> text, ByteBuffer target)
    {
        target.Write((byte)'"');
        while (true)
        {
            var at = text.IndexOfAny(NeedsEscape);
            if (at < 0) break;
            target.Write(text[..at]);
            WriteEscaped(text[at], target);
            text = text[(at + 1)..];
        }

        target.Write(text);
        target.Write((byte)'"');
    }

    private static int DecodeEscape(ReadOnlySpan<byte> raw, ByteBuffer target, bool dropNul)
    {
        if (raw[1] != 'u')
        {
            target.Write(raw[1] switch
            {
                (byte)'b' => (byte)'\b',
                (byte)'f' => (byte)'\f',
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'t' => (byte)'\t',
                var itself => itself,
            });
            return 2;
        }

        var unit = Unit(raw);
        if (unit == '\0' && dropNul) return 6;
        var consumed = 6;
        Rune rune;
        if (char.IsHighSurrogate(unit) && raw.Length >= 12 && raw[6] == '\\' && raw[7] == 'u' && char.IsLowSurrogate(Unit(raw[6..])))
        {
            rune = new Rune(unit, Unit(raw[6..]));
            consumed = 12;
        }
        else if (!Rune.TryCreate(unit, out rune))
        {
            rune = Rune.ReplacementChar;
        }

        Span<byte> utf8 = stackalloc byte[4];
        target.Write(utf8[..rune.EncodeToUtf8(utf8)]);
        return consumed;
    }

    private static char Unit(ReadOnlySpan<byte> escape) =>
        (char)ushort.Parse(escape[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static void WriteEscaped(byte code, ByteBuffer target)
    {
        target.Write((byte)'\\');
        switch (code)
        {
            case (byte)'"' or (byte)'\\': target.Write(code); break;
            case (byte)'\b': target.Write((byte)'b'); break;
            case (byte)'\f': target.Write((byte)'f'); break;
            case (byte)'\n': target.Write((byte)'n'); break;
            case (byte)'\r': target.Write((byte)'r'); break;
            case (byte)'\t': target.Write((byte)'t'); break;
            default:
                target.Write("u00"u8);
                target.Write("0123456789abcdef"u8[code >> 4]);
                target.Write("0123456789abcdef"u8[code & 15]);
                break;
        }
    }
}
