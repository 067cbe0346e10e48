using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Protocol;
using Caracal.Storage.Lists;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Http;

/// <summary>The page a caller asks for, or the refusal (api.md 1.2).</summary>
internal readonly record struct PageRequest(PageQuery Query, Refusal? Problem);

/// <summary>Limits, cursors and the list envelope (api.md 1.2).</summary>
internal static class Paging
{
    private const int LongestCursor = 512;

    /// <summary>Reads <c>limit</c> and <c>cursor</c>; 200 of at most 500 unless said otherwise.</summary>
    public static PageRequest Page(this ApiCall call, int whenUnset = 200, int most = 500, int longestCursor = LongestCursor)
    {
        var query = call.Context.Request.Query;
        var limit = whenUnset;
        if (query.TryGetValue("limit", out var limits)
            && (limits.Count != 1
                || !int.TryParse(limits[0], NumberStyles.None, CultureInfo.InvariantCulture, out limit)
                || limit < 1
                || limit > most))
        {
            return Refused(ControlPlaneErrors.InvalidQuery.With($"limit must be between 1 and {most}"));
        }

        if (!query.TryGetValue("cursor", out var cursors)) return new(new PageQuery(Keyset.Top, limit), null);
        if (cursors.Count != 1 || cursors[0] is not { Length: > 0 } cursor || cursor.Length > longestCursor)
        {
            return Refused(ControlPlaneErrors.InvalidQuery.With("cursor is not valid"));
        }

        return Decode(cursor) is { } after ? new(new PageQuery(after, limit), null) : Refused(ControlPlaneErrors.InvalidCursor);
    }

    /// <summary>Base64url of <c>{"ts","id"}</c> with microseconds, or null when fewer rows than asked for came back.</summary>
    public static string? Next<T>(IReadOnlyList<T> rows, PageQuery page, Func<T, Keyset> keyOf)
    {
        if (rows.Count < page.Limit) return null;
        var last = keyOf(rows[^1]);
        return Encode(Timestamps.Microseconds(last.Time), last.Id);
    }

    /// <summary>The list envelope.</summary>
    public static Answer List<T>(IReadOnlyList<T> rows, PageQuery page, Func<T, Keyset> keyOf, Action<Utf8JsonWriter, T> write)
    {
        var next = Next(rows, page, keyOf);
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.Rows("items", rows, write);
            writer.WriteString("next_cursor", next);
        }));
    }

    internal static string Encode(string time, string id)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("ts", time);
            writer.WriteString("id", id);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    internal static Keyset? Decode(string cursor)
    {
        if (!Base64Url.IsValid(cursor)) return null;
        try
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)));
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("ts", out var ts) && ts.ValueKind == JsonValueKind.String
                && document.RootElement.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
                && Timestamps.TryParseUtc(ts.GetString(), secondsOptional: true, out var time)
                && id.GetString() is { Length: > 0 } text && !text.Contains('\0', StringComparison.Ordinal)
                    ? new Keyset(time, text)
                    : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static PageRequest Refused(Refusal problem) => new(default, problem);
}
