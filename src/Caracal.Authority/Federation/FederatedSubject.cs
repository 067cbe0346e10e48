using System.Globalization;
using System.Text;

namespace Caracal.Authority.Federation;

/// <summary>Which subjects of a foreign issuer may become users here (sts.md 2.5 step 4). The text is taken byte for byte or not at all.</summary>
public static class FederatedSubject
{
    private const int LargestBytes = 512;
    private const string OwnPrefix = "caracal:";

    /// <summary>Why <paramref name="subject"/> is refused, or null.</summary>
    public static string? Problem(string? subject)
    {
        if (string.IsNullOrEmpty(subject))
        {
            return "sub is missing";
        }

        if (Encoding.UTF8.GetByteCount(subject) > LargestBytes)
        {
            return "sub is too long";
        }

        if (subject.StartsWith(OwnPrefix, StringComparison.Ordinal))
        {
            return "sub uses a reserved prefix";
        }

        foreach (var rune in subject.EnumerateRunes())
        {
            // A lone surrogate comes out as U+FFFD as well: text that is no text is refused.
            if (rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) == UnicodeCategory.Control || IsDirectionMark(rune.Value))
            {
                return "sub holds a forbidden character";
            }
        }

        return char.IsWhiteSpace(subject[0]) || char.IsWhiteSpace(subject[^1]) ? "sub begins or ends with white space" : null;
    }

    // Marks that reorder text let one name look like another.
    private static bool IsDirectionMark(int value) => value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);
}
