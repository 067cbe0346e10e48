using System.Buffers;
using System.Text.Json;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Http;

/// <summary>A request body: absent, a JSON value, or the refusal.</summary>
internal readonly record struct BodyResult(JsonDocument? Document, Refusal? Problem);

/// <summary>
/// Reads request bodies by the rules of api.md 1. What the headers alone give away is refused before authentication, as
/// v1.0 does; the bytes themselves are read only for an authenticated caller.
/// </summary>
internal static class BodyReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <summary>415, 413 and the empty JSON body, as far as the headers tell.</summary>
    public static Refusal? CheckHeaders(HttpRequest request, long limit)
    {
        if (!MayCarryBody(request)) return null;
        if (request.ContentType is { Length: > 0 } type)
        {
            if (!IsJson(type)) return ControlPlaneErrors.UnsupportedMediaType;
            if (request.ContentLength is null or 0 && !IsChunked(request)) return ControlPlaneErrors.InvalidBody.With("the JSON body is empty");
        }
        else if (request.ContentLength > 0 || IsChunked(request))
        {
            return ControlPlaneErrors.UnsupportedMediaType;
        }

        return request.ContentLength > limit ? ControlPlaneErrors.PayloadTooLarge : null;
    }

    public static async Task<BodyResult> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        if (!MayCarryBody(request) || string.IsNullOrEmpty(request.ContentType)) return default;
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(limit, (int)(request.ContentLength ?? 4096)) + 1);
        try
        {
            var length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 2, limit + 1));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
                    buffer = larger;
                }

                var read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellationToken);
                if (read == 0) break;
                length += read;
                if (length > limit) return new(null, ControlPlaneErrors.PayloadTooLarge);
            }

            return Parse(buffer.AsMemory(0, length));
        }
        finally
        {
            // Bodies carry secrets.
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private static BodyResult Parse(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.IsEmpty) return new(null, ControlPlaneErrors.InvalidBody.With("the JSON body is empty"));
        try
        {
            // The document keeps its own copy: the rented buffer goes back before the handler runs.
            var document = JsonDocument.Parse(utf8.ToArray(), Options);
            if (IsSound(document.RootElement)) return new(document, null);
            document.Dispose();
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text that is not Unicode; what it was is nobody's business.
        }

        return new(null, ControlPlaneErrors.InvalidBody.With("the body is not valid JSON"));
    }

    // Touches every text, because a broken escape shows only then; __proto__ is refused at any depth.
    private static bool IsSound(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(member => member.Name != "__proto__" && IsSound(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsSound),
        JsonValueKind.String => element.GetString() is not null,
        _ => true,
    };

    private static bool MayCarryBody(HttpRequest request) => request.Method is "POST" or "PUT" or "PATCH" or "DELETE";

    private static bool IsChunked(HttpRequest request) => request.Headers.TransferEncoding.Count > 0;

    private static bool IsJson(string contentType)
    {
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return contentType.AsSpan(0, end < 0 ? contentType.Length : end).Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase);
    }
}
