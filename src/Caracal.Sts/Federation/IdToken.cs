using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Caracal.Sts.Federation;

/// <summary>An identity token taken apart; nothing in it is trusted before its signature holds.</summary>
internal sealed record IdToken
{
    private const int Largest = 16 * 1024;

    // A claim that is there twice means one thing to us and may mean another to whoever signed it.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public required string Algorithm { get; init; }
    public required string KeyId { get; init; }
    public required byte[] SignedBytes { get; init; }
    public required byte[] Signature { get; init; }
    public string? Issuer { get; init; }
    public string? Subject { get; init; }
    public IReadOnlyList<string> Audience { get; init; } = [];
    public long? ExpiresAt { get; init; }
    public long IssuedAt { get; init; }
    public long NotBefore { get; init; }

    /// <summary>Null when the text is no token, lacks <c>alg</c> or <c>kid</c>, or has a claim of a wrong type.</summary>
    public static IdToken? TryParse(string token)
    {
        var parts = token.Length <= Largest ? token.Split('.') : [];
        if (parts.Length != 3)
        {
            return null;
        }

        try
        {
            using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]), Strict);
            using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]), Strict);
            return Read(
                header.RootElement, payload.RootElement, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]));
        }
        catch (Exception fault) when (fault is FormatException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static IdToken? Read(JsonElement header, JsonElement payload, byte[] signedBytes, byte[] signature)
    {
        if (Text(header, "alg") is not { } algorithm || Text(header, "kid") is not { Length: > 0 } keyId || header.TryGetProperty("crit"u8, out _))
        {
            return null;
        }

        return new IdToken
        {
            Algorithm = algorithm,
            KeyId = keyId,
            SignedBytes = signedBytes,
            Signature = signature,
            Issuer = Text(payload, "iss"),
            Subject = Text(payload, "sub"),
            Audience = Texts(payload, "aud"),
            ExpiresAt = Time(payload, "exp"),
            IssuedAt = Time(payload, "iat") ?? 0,
            NotBefore = Time(payload, "nbf") ?? 0,
        };
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static List<string> Texts(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value))
        {
            return [];
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.GetString() ?? "")]
            : [value.GetString() ?? ""];
    }

    // Some issuers write fractions; a time is cut to its second.
    private static long? Time(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? (long)Math.Clamp(Math.Floor(value.GetDouble()), long.MinValue / 2d, long.MaxValue / 2d) : null;
}
