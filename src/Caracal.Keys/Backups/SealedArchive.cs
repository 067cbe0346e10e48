using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;

namespace Caracal.Keys.Backups;

/// <summary>An archive that cannot be opened; the text says why and holds no secret.</summary>
public sealed class SealedArchiveException(string message) : Exception(message);

/// <summary>
/// A file that only the holder of a KEK reads: <c>CBK2</c>, a description in the clear, then the content in pieces under a
/// fresh data key, ChaCha20-Poly1305. Each piece is bound to the description, to its place and to whether it is the last.
/// </summary>
public static class SealedArchive
{
    internal const int PieceSize = 64 * 1024;
    internal const int TagSize = 16;
    internal const uint LastPiece = 0x8000_0000;
    private const int KeySize = 32;
    private const int MaximumDescription = 1024 * 1024;
    private const string Envelope = "envelope";
    private const string Location = "caracal/backups/dataKey";
    private static ReadOnlySpan<byte> Magic => "CBK2"u8;

    /// <summary>Begins an archive; the stream that is returned must be disposed to end it.</summary>
    /// <param name="target">Where it is written; left open.</param>
    /// <param name="ring">The current KEK seals the data key.</param>
    /// <param name="description">What anybody may read, and nobody may change; must not have a member <c>envelope</c>.</param>
    public static Stream Create(Stream target, KekRing ring, JsonObject description)
    {
        var key = RandomNumberGenerator.GetBytes(KeySize);
        try
        {
            description[Envelope] = Convert.ToBase64String(Css1Envelope.Seal(ring, Location, key));
            var header = JsonSerializer.SerializeToUtf8Bytes(description);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, header.Length);
            target.Write(Magic);
            target.Write(length);
            target.Write(header);
            return new SealingStream(target, key, SHA256.HashData(header));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>The description of an archive, as it stands there: authenticated only once the content was read.</summary>
    public static JsonObject Describe(Stream source) => Parse(ReadHeader(source));

    /// <summary>Opens an archive for reading from its beginning.</summary>
    /// <exception cref="SealedArchiveException">Not an archive, or the ring lacks the KEK that sealed it.</exception>
    public static Stream Open(Stream source, KekRing ring, out JsonObject description)
    {
        var header = ReadHeader(source);
        description = Parse(header);
        if (description[Envelope] is not JsonValue value || !value.TryGetValue<string>(out var text) || !TryBase64(text, out var envelope)) throw new SealedArchiveException("the archive names no data key");
        var outcome = Css1Envelope.Open(ring, Location, envelope, out var key);
        if (outcome != Css1Outcome.Opened || key is null)
        {
            throw new SealedArchiveException($"the archive was sealed with ZONE_KEK {Convert.ToHexStringLower(Css1Envelope.KekId(envelope))}, which is not among the keys here ({outcome})");
        }

        using (key) return new OpeningStream(source, key.Span, SHA256.HashData(header));
    }

    private static byte[] ReadHeader(Stream source)
    {
        try
        {
            Span<byte> start = stackalloc byte[8];
            source.ReadExactly(start);
            var length = BinaryPrimitives.ReadInt32BigEndian(start[4..]);
            if (!start[..4].SequenceEqual(Magic) || length is <= 0 or > MaximumDescription) throw new SealedArchiveException("this is no Caracal backup");
            var header = new byte[length];
            source.ReadExactly(header);
            return header;
        }
        catch (EndOfStreamException)
        {
            throw new SealedArchiveException("this is no Caracal backup");
        }
    }

    private static JsonObject Parse(byte[] header)
    {
        try
        {
            return JsonNode.Parse(header) as JsonObject ?? throw new SealedArchiveException("this is no Caracal backup");
        }
        catch (JsonException)
        {
            throw new SealedArchiveException("this is no Caracal backup");
        }
    }

    private static bool TryBase64(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var written)) return false;
        bytes = bytes[..written];
        return true;
    }
}
