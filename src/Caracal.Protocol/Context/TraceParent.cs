namespace Caracal.Protocol.Context;

/// <summary>The W3C <c>traceparent</c> header (gateway.md A9, C).</summary>
public static class TraceParent
{
    /// <summary>True when the value may be kept: lower-case hex, version not <c>ff</c>, ids not zero, and exactly four fields in version <c>00</c>.</summary>
    public static bool IsValid(ReadOnlySpan<char> value)
    {
        if (value.Length < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-'
            || !IsHex(value[..2]) || !IsHex(value[3..35]) || !IsHex(value[36..52]) || !IsHex(value[53..55]))
        {
            return false;
        }

        var version = value[..2];
        var lengthFits = value.Length == 55 || (version is not "00" && value[55] == '-');
        return lengthFits && version is not "ff" && value[3..35].ContainsAnyExcept('0') && value[36..52].ContainsAnyExcept('0');
    }

    /// <summary>The trace id of a valid value.</summary>
    public static string TraceId(string value) => value.Substring(3, 32);

    /// <summary>A new, sampled trace.</summary>
    public static string New()
    {
        Span<byte> random = stackalloc byte[24];
        do
        {
            Random.Shared.NextBytes(random); // names a trace, guards nothing
        }
        while (!random[..16].ContainsAnyExcept((byte)0) || !random[16..].ContainsAnyExcept((byte)0));

        Span<char> text = stackalloc char[55];
        "00-".CopyTo(text);
        Convert.TryToHexStringLower(random[..16], text[3..], out _);
        text[35] = '-';
        Convert.TryToHexStringLower(random[16..], text[36..], out _);
        "-01".CopyTo(text[52..]);
        return new string(text);
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c is not (>= '0' and <= '9' or >= 'a' and <= 'f'))
            {
                return false;
            }
        }

        return true;
    }
}
