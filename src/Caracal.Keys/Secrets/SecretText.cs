using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Caracal.Keys.Secrets;

/// <summary>A secret text (token, password, connection string) that prints <c>***</c> and compares in constant time.</summary>
[DebuggerDisplay("***")]
public sealed class SecretText : IEquatable<SecretText>
{
    private readonly byte[] utf8;
    private readonly byte[] digest;

    public SecretText(ReadOnlySpan<char> value)
    {
        utf8 = PinnedBytes.Allocate(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, utf8);
        digest = SHA256.HashData(utf8);
    }

    internal ReadOnlySpan<byte> Utf8 => utf8;

    /// <summary>The plain value, for the one place that has to send it; never log or store what this returns.</summary>
    public string Reveal() => Encoding.UTF8.GetString(utf8);

    /// <summary>Constant time whatever the two lengths are: both sides are hashed first.</summary>
    public bool Matches(ReadOnlySpan<char> presented)
    {
        Span<byte> theirs = stackalloc byte[SHA256.HashSizeInBytes];
        SecretHash.Digest(presented, theirs);
        return MatchesDigest(theirs);
    }

    public bool Matches(ReadOnlySpan<byte> presentedUtf8)
    {
        Span<byte> theirs = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(presentedUtf8, theirs);
        return MatchesDigest(theirs);
    }

    internal bool MatchesDigest(ReadOnlySpan<byte> presentedDigest) => CryptographicOperations.FixedTimeEquals(digest, presentedDigest);

    public bool Equals(SecretText? other) => other is not null && Matches(other.Utf8);

    public override bool Equals(object? obj) => Equals(obj as SecretText);

    public override int GetHashCode() => utf8.Length;

    public override string ToString() => "***";
}
