using System.Buffers;
using System.Security.Cryptography;
using Caracal.Protocol.Streams;

namespace Caracal.Verifier.Revocations;

/// <summary>The origin signature of stream messages (gateway.md A7): without a good one anybody could revoke, or unrevoke by noise.</summary>
internal sealed class MessageSignatures(IReadOnlyList<ReadOnlyMemory<byte>> keys, bool required)
{
    public bool Accept(string topic, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        if (!required)
        {
            return true;
        }

        string? signature = null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in fields)
        {
            if (!names.Add(name))
            {
                return false;
            }

            if (name == StreamCanonicalForm.SignatureField)
            {
                signature = value;
            }
            else if (StreamCanonicalForm.IsAmbiguous(name, value))
            {
                return false;
            }
        }

        return signature is { Length: 2 * HMACSHA256.HashSizeInBytes } && Matches(topic, fields, signature);
    }

    private bool Matches(string topic, IReadOnlyList<KeyValuePair<string, string>> fields, string signature)
    {
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (Convert.FromHexString(signature, given, out _, out _) != OperationStatus.Done)
        {
            return false;
        }

        var canonical = new ArrayBufferWriter<byte>(512);
        StreamCanonicalForm.Write(canonical, topic, fields);
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        foreach (var key in keys)
        {
            HMACSHA256.HashData(key.Span, canonical.WrittenSpan, expected);
            if (CryptographicOperations.FixedTimeEquals(expected, given))
            {
                return true;
            }
        }

        return false;
    }
}
