namespace Caracal.Evidence.Canonical;

// PostgreSQL's numeric as text: the exponent moves the point, trailing zeros of the input scale stay, zero has no sign.
internal static class JsonbNumber
{
    private const int MaxIntegerDigits = 131_072;
    private const int MaxScale = 16_383;

    public static void Write(ReadOnlySpan<byte> text, ByteBuffer target)
    {
        var negative = text[0] == '-';
        if (negative) text = text[1..];
        var exponent = TakeExponent(ref text);
        var point = text.IndexOf((byte)'.');
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? default : text[(point + 1)..];
        var isZero = !whole.ContainsAnyExcept((byte)'0') && !fraction.ContainsAnyExcept((byte)'0');

        var scale = Math.Max(0, fraction.Length - exponent);
        if (scale > MaxScale) throw new CanonicalFormException("a number has too many decimal places");
        if (isZero)
        {
            target.Write((byte)'0');
        }
        else
        {
            if (whole.Length + exponent > MaxIntegerDigits) throw new CanonicalFormException("a number is too large");
            if (negative) target.Write((byte)'-');
            WriteWhole(whole, fraction, (int)exponent, target);
        }

        if (scale > 0) WriteFraction(whole, fraction, (int)exponent, (int)scale, target);
    }

    // The digits left of the point once it moved; the input's digits are whole‖fraction, the point after whole.Length + exponent.
    private static void WriteWhole(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, int exponent, ByteBuffer target)
    {
        var count = whole.Length + exponent;
        var started = false;
        for (var i = 0; i < count; i++)
        {
            var digit = Digit(whole, fraction, i);
            started |= digit != '0';
            if (started) target.Write(digit);
        }

        if (!started) target.Write((byte)'0');
    }

    private static void WriteFraction(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, int exponent, int scale, ByteBuffer target)
    {
        target.Write((byte)'.');
        var first = whole.Length + exponent;
        for (var i = 0; i < scale; i++) target.Write(Digit(whole, fraction, first + i));
    }

    private static byte Digit(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, int at)
    {
        if (at < 0) return (byte)'0';
        if (at < whole.Length) return whole[at];
        at -= whole.Length;
        return at < fraction.Length ? fraction[at] : (byte)'0';
    }

    private static long TakeExponent(ref ReadOnlySpan<byte> text)
    {
        var at = text.IndexOfAny((byte)'e', (byte)'E');
        if (at < 0) return 0;
        var digits = text[(at + 1)..];
        text = text[..at];
        var negative = digits[0] == '-';
        if (digits[0] is (byte)'-' or (byte)'+') digits = digits[1..];
        long exponent = 0;
        foreach (var digit in digits)
        {
            // Capped: beyond any legal exponent the exact value no longer matters.
            exponent = Math.Min(exponent * 10 + (digit - '0'), 1_000_000);
        }

        return negative ? -exponent : exponent;
    }
}
