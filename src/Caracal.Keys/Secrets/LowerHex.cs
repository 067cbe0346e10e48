using System.Buffers;

namespace Caracal.Keys.Secrets;

// Strict hex: exact length, only hex digits, no trailing junk (operations.md 2.3).
internal static class LowerHex
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdefABCDEF");
    private static readonly SearchValues<char> LowerDigits = SearchValues.Create("0123456789abcdef");

    public static bool IsHex(ReadOnlySpan<char> text) =>
        text.Length > 0 && text.Length % 2 == 0 && !text.ContainsAnyExcept(Digits);

    // Stored digests are lower case; any other spelling is another record.
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination) =>
        text.Length == destination.Length * 2
        && !text.ContainsAnyExcept(LowerDigits)
        && Convert.FromHexString(text, destination, out _, out _) == OperationStatus.Done;

    public static bool TryDecodeAnyCase(ReadOnlySpan<char> text, Span<byte> destination) =>
        text.Length == destination.Length * 2
        && Convert.FromHexString(text, destination, out _, out _) == OperationStatus.Done;
}
