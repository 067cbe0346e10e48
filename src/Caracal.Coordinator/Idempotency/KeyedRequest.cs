using System.Buffers;
using System.Text.Json;
using Caracal.Authority.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Evidence.Canonical;
using Caracal.Protocol;

namespace Caracal.Coordinator.Idempotency;

/// <summary>A request that carries a key: what it would create, for whom, and the digest of all that decides it.</summary>
internal sealed record KeyedRequest
{
    public required string Operation { get; init; }
    public required string ZoneId { get; init; }

    /// <summary>The application the key belongs to.</summary>
    public required string ScopeId { get; init; }
    public required string Key { get; init; }
    public required byte[] RequestDigest { get; init; }

    /// <summary>The client made the key up for this call alone; its receipt is kept for a day.</summary>
    public bool Generated { get; init; }
}

/// <summary>Reads keys from headers and digests requests (coordinator.md 10).</summary>
internal static class RequestDigests
{
    /// <summary>The call's key (null: none) or why it is refused.</summary>
    public static (string? Key, Refusal? Refusal) KeyOf(Call call)
    {
        var values = call.Http.Request.Headers[CaracalHeaders.IdempotencyKey];
        var refusal = IdempotencyRules.CheckKey(values.ToArray());
        return (refusal is null && values.Count == 1 ? values[0] : null, refusal);
    }

    public static bool IsGenerated(Call call) => call.Http.Request.Headers[CaracalHeaders.IdempotencyKeyKind] == "generated";

    /// <summary>SHA-256 of the RFC 8785 form of what the writer fills in; null when a number in it has no such form.</summary>
    public static byte[]? Digest(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        try
        {
            return Rfc8785.Digest(buffer.WrittenSpan);
        }
        catch (CanonicalFormException)
        {
            return null;
        }
    }

    /// <summary>The caller as every fingerprint names it. The bearer's record is no part: it changes with every refresh.</summary>
    public static void WritePrincipal(Utf8JsonWriter writer, string clientId, string subject)
    {
        writer.WriteStartObject("principal"u8);
        writer.WriteString("client_id"u8, clientId);
        writer.WriteString("subject"u8, subject);
        writer.WriteEndObject();
    }
}
