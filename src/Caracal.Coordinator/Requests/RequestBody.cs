using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Requests;

/// <summary>Reads a request's JSON body with its limit (coordinator.md 2).</summary>
internal static class RequestBody
{
    /// <summary>
    /// The body, or why it is refused. No bytes means no body, whatever the media type says; a literal <c>null</c> counts
    /// as <c>{}</c>, because one client library sends it with every DELETE.
    /// </summary>
    public static async Task<(JsonElement Body, Refusal? Refusal)> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        if (request.ContentLength > limit)
        {
            return (default, CoordinatorErrors.PayloadTooLarge);
        }

        var bytes = await ReadBytesAsync(request.Body, limit, cancellationToken);
        if (bytes is null)
        {
            return (default, CoordinatorErrors.PayloadTooLarge);
        }

        if (bytes.Length == 0)
        {
            return (default, null);
        }

        if (!IsJson(request.ContentType))
        {
            return (default, CoordinatorErrors.UnsupportedMediaType);
        }

        return TryParse(bytes, out var body) ? (body, null) : (default, CoordinatorErrors.InvalidRequest);
    }

    private static async Task<byte[]?> ReadBytesAsync(Stream stream, int limit, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4_096);
        using var collected = new MemoryStream();
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                if (collected.Length + read > limit)
                {
                    return null;
                }

                collected.Write(buffer, 0, read);
            }

            return collected.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool IsJson(string? contentType)
    {
        var text = contentType.AsSpan();
        var end = text.IndexOf(';');
        var media = (end < 0 ? text : text[..end]).Trim();
        if (!media.Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var charset = text.IndexOf("charset=", StringComparison.OrdinalIgnoreCase);
        return charset < 0 || text[(charset + 8)..].Trim(" \";").StartsWith("utf-8", StringComparison.OrdinalIgnoreCase);
    }

    private static bool TryParse(byte[] bytes, out JsonElement body)
    {
        body = default;
        if (!Utf8.IsValid(bytes))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes);
            if (bytes.AsSpan().IndexOf("\\u"u8) >= 0 && !HasCleanTexts(document.RootElement))
            {
                return false;
            }

            body = document.RootElement.ValueKind == JsonValueKind.Null ? default : document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Lone surrogates are no text, and U+0000 cannot be stored: both are refused here, once, for every member.
    private static bool HasCleanTexts(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => !value.GetString()!.Contains('\0', StringComparison.Ordinal),
                JsonValueKind.Array => value.EnumerateArray().All(HasCleanTexts),
                JsonValueKind.Object => value.EnumerateObject().All(m => !m.Name.Contains('\0', StringComparison.Ordinal) && HasCleanTexts(m.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
