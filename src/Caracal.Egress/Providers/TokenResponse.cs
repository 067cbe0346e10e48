using System.Text.Json;

namespace Caracal.Egress.Providers;

/// <summary>What a token endpoint gave (RFC 6749 5.1). Prints nothing of it.</summary>
public sealed record TokenResponse(string AccessToken, string? RefreshToken, long? ExpiresIn)
{
    /// <summary>Null when the document is no usable token: no text that may stand in a header, or a type nobody asked for.</summary>
    public static TokenResponse? TryRead(ReadOnlyMemory<byte> json, bool anyType)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || Text(root, "access_token") is not { Length: > 0 } token || !IsVisible(token)
                || !(anyType || Text(root, "token_type") is null or "" || string.Equals(Text(root, "token_type"), "bearer", StringComparison.OrdinalIgnoreCase)))
            {
                return null;
            }

            return new TokenResponse(token, Text(root, "refresh_token") is { Length: > 0 } refresh ? refresh : null, Seconds(root));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The <c>error</c> of a refusal (RFC 6749 5.2), or null.</summary>
    public static string? ReadError(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Text(document.RootElement, "error") : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public override string ToString() => "***";

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    // Some servers quote the number. One that is no positive number is as good as none.
    private static long? Seconds(JsonElement root)
    {
        if (!root.TryGetProperty("expires_in"u8, out var value))
        {
            return null;
        }

        var seconds = value.ValueKind switch
        {
            JsonValueKind.Number when value.TryGetDouble(out var number) && number < int.MaxValue => (long)number,
            JsonValueKind.String when long.TryParse(value.GetString(), out var number) => number,
            _ => 0,
        };
        return seconds > 0 ? seconds : null;
    }

    private static bool IsVisible(string token) => !token.AsSpan().ContainsAnyExceptInRange('\u0021', '\u007e');
}
