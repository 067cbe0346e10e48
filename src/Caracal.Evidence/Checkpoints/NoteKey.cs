using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Signatures;

namespace Caracal.Evidence.Checkpoints;

/// <summary>Whose signature a note carries: name and public key, written <c>name+id+base64</c> (C2SP signed-note).</summary>
public sealed record NoteKey
{
    /// <summary>A log's signature over the note's text.</summary>
    public const byte Ed25519 = 0x01;

    /// <summary>A witness's cosignature over the note's text and a time (C2SP tlog-cosignature).</summary>
    public const byte Cosignature = 0x04;

    private readonly byte[] _publicKey;

    public NoteKey(string name, byte type, byte[] publicKey)
    {
        if (!IsName(name)) throw new ArgumentException("a note key's name has no space and no plus", nameof(name));
        Name = name;
        Type = type;
        _publicKey = publicKey;
        Id = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', type, .. publicKey]));
    }

    public string Name { get; }

    /// <summary><see cref="Ed25519"/> or <see cref="Cosignature"/>.</summary>
    public byte Type { get; }

    /// <summary>Names the key in signature lines; not secure by itself.</summary>
    public uint Id { get; }

    /// <summary>Reads <c>name+id+base64</c>; null when it is malformed, its id is wrong, or its type is none of ours.</summary>
    public static NoteKey? Parse(string text)
    {
        var parts = text.Trim().Split('+', 3);
        if (parts.Length != 3 || !IsName(parts[0])
            || !uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id))
        {
            return null;
        }

        var bytes = new byte[1 + Ed25519Keys.KeySize];
        if (!Convert.TryFromBase64String(parts[2], bytes, out var length) || length != bytes.Length) return null;
        if (bytes[0] is not (Ed25519 or Cosignature)) return null;
        var key = new NoteKey(parts[0], bytes[0], bytes[1..]);
        return key.Id == id ? key : null;
    }

    public static bool IsName(string name) =>
        name.Length is > 0 and <= 255 && !name.Any(c => c == '+' || char.IsWhiteSpace(c) || char.IsControl(c));

    /// <summary>The text a verifier is given.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}+{Id:x8}+{Convert.ToBase64String([Type, .. _publicKey])}");

    /// <summary>Whether this key made the signature (without its key id) over a note's text.</summary>
    public bool Verify(string text, byte[] signature) => Type switch
    {
        Ed25519 => Ed25519Keys.Verify(_publicKey, Encoding.UTF8.GetBytes(text), signature),
        Cosignature when signature.Length == sizeof(ulong) + Ed25519Keys.SignatureSize =>
            Ed25519Keys.Verify(_publicKey, CosignedText(text, BinaryPrimitives.ReadUInt64BigEndian(signature)), signature[sizeof(ulong)..]),
        _ => false,
    };

    public bool Equals(NoteKey? other) => other is not null && ToString() == other.ToString();

    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    internal static byte[] CosignedText(string text, ulong time) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {time}\n{text}"));
}

/// <summary>Signs notes: a log's key, or a witness's.</summary>
public sealed class NoteSigner
{
    private readonly byte[] _seed;

    /// <param name="name">Name of the key in every signature line.</param>
    /// <param name="seed">32 secret bytes.</param>
    /// <param name="type"><see cref="NoteKey.Ed25519"/> for a log, <see cref="NoteKey.Cosignature"/> for a witness.</param>
    public NoteSigner(string name, byte[] seed, byte type = NoteKey.Ed25519)
    {
        _seed = seed;
        Key = new NoteKey(name, type, Ed25519Keys.PublicKey(seed));
    }

    public NoteKey Key { get; }

    /// <summary>The signature line of a note's text, without its line feed.</summary>
    /// <param name="text">Ends with a line feed.</param>
    /// <param name="time">A witness's clock; a log's signature has no time.</param>
    public string SignatureLine(string text, DateTimeOffset time)
    {
        Span<byte> id = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(id, Key.Id);
        if (Key.Type == NoteKey.Ed25519)
        {
            return $"{SignedNote.SignaturePrefix}{Key.Name} {Convert.ToBase64String([.. id, .. Ed25519Keys.Sign(_seed, Encoding.UTF8.GetBytes(text))])}";
        }

        var seconds = (ulong)time.ToUnixTimeSeconds();
        Span<byte> stamp = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(stamp, seconds);
        var signature = Ed25519Keys.Sign(_seed, NoteKey.CosignedText(text, seconds));
        return $"{SignedNote.SignaturePrefix}{Key.Name} {Convert.ToBase64String([.. id, .. stamp, .. signature])}";
    }
}
