using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace Caracal.Keys.Secrets;

/// <summary>Raw secret bytes that print <c>***</c>, compare in constant time and are wiped when disposed.</summary>
[DebuggerDisplay("***")]
public sealed class SecretBytes : IDisposable, IEquatable<SecretBytes>
{
    private readonly byte[] bytes;

    public SecretBytes(ReadOnlySpan<byte> value) => bytes = PinnedBytes.Copy(value);

    internal SecretBytes(int length) => bytes = PinnedBytes.Allocate(length);

    public static SecretBytes Random(int length)
    {
        var secret = new SecretBytes(length);
        RandomNumberGenerator.Fill(secret.bytes);
        return secret;
    }

    internal Span<byte> Writable => bytes;

    [JsonIgnore]
    public ReadOnlySpan<byte> Span => bytes;

    [JsonIgnore]
    public ReadOnlyMemory<byte> Memory => bytes;

    /// <summary>Constant time for equal lengths; the length itself is not a secret.</summary>
    public bool Matches(ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(bytes, other);

    public bool Equals(SecretBytes? other) => other is not null && Matches(other.bytes);

    public override bool Equals(object? obj) => Equals(obj as SecretBytes);

    // A hash of the content would be a side channel in any dictionary; the length is all it may say.
    public override int GetHashCode() => bytes.Length;

    public override string ToString() => "***";

    public void Dispose() => CryptographicOperations.ZeroMemory(bytes);
}
