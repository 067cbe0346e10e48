using System.Globalization;
using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Search;

/// <summary><c>GET /api/audit/search</c>: rows of one zone by rising sequence number (audit.md 10).</summary>
/// <param name="ledger">The rows.</param>
/// <param name="access">Operators only.</param>
/// <param name="clock">Database time, for the default window.</param>
internal sealed class SearchEndpoint(LedgerReader ledger, AdminAccess access, DatabaseClock clock)
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;
    private static readonly TimeSpan DefaultWindow = TimeSpan.FromHours(24);

    public async Task HandleAsync(HttpContext context)
    {
        if (!await access.AllowsAsync(context))
        {
            return;
        }

        if (!TryRead(context.Request.Query, clock.Now, out var query, out var refusal))
        {
            await PlainText.WriteAsync(context, 400, refusal);
            return;
        }

        IReadOnlyList<LedgerRow> rows;
        try
        {
            rows = await ledger.SearchAsync(query, context.RequestAborted);
        }
        catch (StorageUnavailableException)
        {
            await PlainText.WriteAsync(context, 500, AuditErrors.SearchFailed);
            return;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer => Write(writer, rows, query.Limit));
    }

    private static bool TryRead(IQueryCollection query, DateTimeOffset now, out LedgerQuery read, out string refusal)
    {
        read = new LedgerQuery { ZoneId = "", Since = now - DefaultWindow, Until = now };
        refusal = AuditErrors.ZoneRequired;
        if (Value(query, "zone_id") is not { } zone)
        {
            return false;
        }

        refusal = AuditErrors.TimeInvalid;
        if (!TryTime(query, "since", now - DefaultWindow, out var since) || !TryTime(query, "until", now, out var until))
        {
            return false;
        }

        refusal = AuditErrors.LimitInvalid;
        if (!QueryNumbers.TryLimit(Value(query, "limit"), DefaultLimit, MaximumLimit, out var limit))
        {
            return false;
        }

        refusal = AuditErrors.CursorInvalid;
        long after = 0;
        if (Value(query, "cursor") is { } cursor && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return false;
        }

        read = new LedgerQuery
        {
            ZoneId = zone,
            Decision = Value(query, "decision"),
            RequestId = Value(query, "request_id"),
            Since = since,
            Until = until,
            AfterSeq = after,
            Limit = limit,
        };
        return true;
    }

    private static bool TryTime(IQueryCollection query, string name, DateTimeOffset whenUnset, out DateTimeOffset time)
    {
        time = whenUnset;
        return Value(query, name) is not { } text || Rfc3339.TryParse(text, out time);
    }

    private static string? Value(IQueryCollection query, string name) =>
        query.TryGetValue(name, out var value) && !string.IsNullOrEmpty(value[0]) ? value[0] : null;

    // Field names of v1.0, whose rows came straight from a Go structure.
    private static void Write(Utf8JsonWriter writer, IReadOnlyList<LedgerRow> rows, int limit)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("events"u8);
        foreach (var row in rows)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("Event"u8);
            EventJson.Write(writer, row.Entry);
            writer.WriteString("IngestedAt"u8, Rfc3339.Microseconds(row.IngestedAt));
            writer.WriteString("ContentSHA256"u8, row.ContentSha256);
            writer.WriteString("PrevContentSHA256"u8, row.PrevContentSha256 ?? "");
            writer.WriteString("ChainHMAC"u8, row.ChainHmac ?? "");
            writer.WriteNumber("ChainSeq"u8, row.ChainSeq);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        var next = rows.Count == limit ? rows[^1].ChainSeq.ToString(CultureInfo.InvariantCulture) : "";
        writer.WriteString("next_cursor"u8, next);
        writer.WriteEndObject();
    }
}
