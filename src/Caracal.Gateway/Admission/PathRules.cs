using System.Buffers;
using System.Text;

namespace Caracal.Gateway.Admission;

/// <summary>The path rules of gateway.md A4.</summary>
internal static class PathRules
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Decodes a raw path once. False when an escape is malformed or not UTF-8, or when any number of decodings would
    /// show a backslash, a control character, or a segment <c>.</c> or <c>..</c>, with or without parameters (<c>..;x</c>):
    /// servlet containers drop those before they resolve the dots, and would leave the upstream's base path; a NUL ends the
    /// path for programs in C, and a tab or a line break is dropped by what parses URLs as browsers do.
    /// </summary>
    public static bool TryDecode(string raw, out string decoded)
    {
        decoded = raw;
        if (raw.Contains(' ', StringComparison.Ordinal))
        {
            return false; // over HTTP/2 nothing else keeps it out, and in HTTP/1.1 it would end the target
        }

        if (!raw.Contains('%', StringComparison.Ordinal))
        {
            return !Escapes(raw) && IsAscii(raw);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            return TryDecodeOnce(raw, buffer, out var length)
                && TryReadText(buffer.AsSpan(0, length), out decoded)
                && !Escapes(buffer.AsSpan(0, DecodeFully(buffer.AsSpan(0, length))));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool TryReadText(ReadOnlySpan<byte> bytes, out string text)
    {
        try
        {
            text = Strict.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            // The STS authorises text; bytes that are none could not be the path that it authorised.
            text = "";
            return false;
        }
    }

    private static bool IsAscii(string text) => Ascii.IsValid(text);

    private static bool TryDecodeOnce(string raw, Span<byte> target, out int length)
    {
        length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit(raw[i + 1]) || !char.IsAsciiHexDigit(raw[i + 2]))
                {
                    return false;
                }

                target[length++] = (byte)((Hex(raw[i + 1]) << 4) | Hex(raw[i + 2]));
                i += 2;
            }
            else if (c < 0x80)
            {
                target[length++] = (byte)c;
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    // Decodes until nothing changes, in one pass: escapes cannot overlap, so the order in which they are resolved does
    // not matter, and a new escape can only end at the byte just written. What counts as a way out (a backslash, a dot
    // segment) holds no byte of an escape and so survives to the end, where it is looked for once.
    private static int DecodeFully(Span<byte> text)
    {
        var length = 0;
        foreach (var next in text)
        {
            text[length++] = next;
            while (length >= 3 && text[length - 3] == '%'
                && char.IsAsciiHexDigit((char)text[length - 2]) && char.IsAsciiHexDigit((char)text[length - 1]))
            {
                text[length - 3] = (byte)((Hex((char)text[length - 2]) << 4) | Hex((char)text[length - 1]));
                length -= 2;
            }
        }

        return length;
    }

    private static int Hex(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    private static bool Escapes(ReadOnlySpan<char> path)
    {
        if (path.Contains('\\') || path.ContainsAnyInRange('\0', '\x1f') || path.Contains('\x7f'))
        {
            return true;
        }

        foreach (var segment in path.Split('/'))
        {
            var text = path[segment];
            var end = text.IndexOf(';');
            if ((end < 0 ? text : text[..end]) is "." or "..")
            {
                return true;
            }
        }

        return false;
    }

    private static bool Escapes(ReadOnlySpan<byte> path)
    {
        if (path.Contains((byte)'\\') || path.ContainsAnyInRange((byte)0, (byte)0x1f) || path.Contains((byte)0x7f))
        {
            return true;
        }

        foreach (var segment in path.Split((byte)'/'))
        {
            var text = path[segment];
            var end = text.IndexOf((byte)';');
            var name = end < 0 ? text : text[..end];
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            {
                return true;
            }
        }

        return false;
    }
}
