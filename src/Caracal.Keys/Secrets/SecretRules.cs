using System.Buffers;
using System.Security.Cryptography;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Secrets;

/// <summary>Validation of secret values (operations.md 2.3). Every text starts at the variable's name and never holds the value.</summary>
public static class SecretRules
{
    public const int MinimumHmacBytes = 32;
    public const int MinimumTokenBytes = 32;
    public const int MinimumDistinctCharacters = 10;

    private static readonly SearchValues<char> PrintableAscii =
        SearchValues.Create([.. Enumerable.Range(0x21, 0x7e - 0x21 + 1).Select(code => (char)code)]);

    private static readonly string[] Placeholders = ["changeme", "password", "secret", "test", "example"];

    /// <summary>Strict hex: even length, only hex digits; a trailing newline or junk is refused, not dropped.</summary>
    public static bool TryDecodeHex(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = LowerHex.IsHex(text) ? Convert.FromHexString(text) : [];
        return bytes.Length > 0;
    }

    /// <summary>What is wrong with a key-encryption key, or null. The rules hold in every mode.</summary>
    public static string? KekProblem(ReadOnlySpan<char> text)
    {
        if (!TryDecodeHex(text, out var bytes)) return "must be hex-encoded";
        var problem = bytes.Length == Kek.Size ? WeakPattern(bytes) : $"must be 32 bytes, got {bytes.Length}";
        CryptographicOperations.ZeroMemory(bytes);
        return problem;
    }

    /// <summary>Why an HMAC key cannot be used at all, or null.</summary>
    public static string? HmacProblem(ReadOnlySpan<char> text) =>
        LowerHex.IsHex(text) && text.Length >= MinimumHmacBytes * 2 ? null : "must be hex-encoded with at least 32 bytes";

    /// <summary>Why a well-formed HMAC key is too weak for rc and stable, or null; a warning in dev.</summary>
    public static string? HmacWeakness(ReadOnlySpan<char> text)
    {
        if (!TryDecodeHex(text, out var bytes)) return null;
        var problem = WeakPattern(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return problem;
    }

    /// <summary>Why a bearer token is too weak for rc and stable, or null; a warning in dev.</summary>
    public static string? TokenWeakness(ReadOnlySpan<char> text)
    {
        const string tooWeak = "must carry at least 32 random bytes";
        if (IsPlaceholder(text)) return "must not be a placeholder value";
        if (text.Length < MinimumTokenBytes || text.ContainsAnyExcept(PrintableAscii)) return tooWeak;
        return DistinctCharacters(text) < MinimumDistinctCharacters ? tooWeak : null;
    }

    /// <summary>Whether a client secret brought by a caller is long and varied enough (spec ruling 22).</summary>
    public static bool IsAcceptableClientSecret(ReadOnlySpan<char> text) =>
        text.Length >= 32 && DistinctCharacters(text) >= MinimumDistinctCharacters;

    /// <summary>Why a store password deserves a warning, or null.</summary>
    public static string? PasswordWeakness(ReadOnlySpan<char> text, bool generated)
    {
        if (IsPlaceholder(text)) return "must not be a placeholder value";
        var minimum = generated ? 24 : 16;
        return text.Length < minimum ? $"should have at least {minimum} characters" : null;
    }

    /// <summary>The weak-pattern text of operations.md 2.3, or null for bytes that look random.</summary>
    public static string? WeakPattern(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.ContainsAnyExcept((byte)0)) return "must not be all zeros";
        if (!bytes.ContainsAnyExcept(bytes[0])) return "must not repeat the same byte";
        if (StepsBy(bytes, 1) || StepsBy(bytes, 255)) return "must not use a sequential byte pattern";
        return bytes.Length > 2 && bytes[2..].SequenceEqual(bytes[..^2]) ? "must not use a repeating byte pattern" : null;
    }

    private static bool StepsBy(ReadOnlySpan<byte> bytes, byte step)
    {
        for (var i = 1; i < bytes.Length; i++)
        {
            if ((byte)(bytes[i - 1] + step) != bytes[i]) return false;
        }

        return true;
    }

    /// <summary>True for <c>changeme</c> and its kin, and for one character repeated.</summary>
    public static bool IsPlaceholder(ReadOnlySpan<char> text)
    {
        foreach (var placeholder in Placeholders)
        {
            if (text.Equals(placeholder, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return text.Length > 0 && !text.ContainsAnyExcept(text[0]);
    }

    private static int DistinctCharacters(ReadOnlySpan<char> text)
    {
        var seen = new HashSet<char>();
        foreach (var character in text) seen.Add(character);
        return seen.Count;
    }
}
