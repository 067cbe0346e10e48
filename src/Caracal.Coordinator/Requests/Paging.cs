using System.Globalization;
using System.Text.Json;
using Caracal.Protocol;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Requests;

/// <summary>Pages of lists: 1 to 500 items, newest first, continued after the id last seen (coordinator.md 2).</summary>
internal static class Paging
{
    public const int DefaultLimit = 100;
    public const int MaximumLimit = 500;

    /// <summary>The page asked for, or null when the query is not allowed.</summary>
    public static PageRequest? TryRead(Call call)
    {
        var limitText = call.Query("limit");
        var limit = DefaultLimit;
        if (limitText is not null
            && (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaximumLimit))
        {
            return null;
        }

        var cursor = call.Query("cursor");
        return cursor is not null && !Ids.IsPathId(cursor) ? null : new PageRequest(limit, cursor);
    }

    /// <summary><c>{"items":[…],"next_cursor":…}</c>; there is a next page only when this one is full.</summary>
    public static Reply Reply<T>(IReadOnlyList<T> items, PageRequest page, Func<T, string> idOf, Action<Utf8JsonWriter, T> write) =>
        Requests.Reply.Ok(writer =>
        {
            writer.WriteStartObject();
            WriteItems(writer, "items", items, write);
            writer.WriteString("next_cursor"u8, items.Count == page.Limit ? idOf(items[^1]) : null);
            writer.WriteEndObject();
        });

    public static void WriteItems<T>(Utf8JsonWriter writer, string? name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (name is null)
        {
            writer.WriteStartArray();
        }
        else
        {
            writer.WriteStartArray(name);
        }

        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }

    public static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts) =>
        WriteItems(writer, name, texts, static (w, text) => w.WriteStringValue(text));

    /// <summary>Writes a time with three fraction digits, or null.</summary>
    public static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? time) =>
        writer.WriteString(name, time is { } value ? Timestamps.Milliseconds(value) : null);

    public static void WriteNumber(Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
