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
            WriteEvent(writer, row.Entry);
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

    private static void WriteEvent(Utf8JsonWriter writer, LedgerEntry entry)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, entry.Id);
        writer.WriteString("zone_id"u8, entry.ZoneId);
        writer.WriteString("event_type"u8, entry.EventType);
        writer.WriteString("request_id"u8, entry.RequestId);
        writer.WriteString("decision"u8, entry.Decision);
        WriteIfPresent(writer, "policy_set_id"u8, entry.PolicySetId);
        WriteIfPresent(writer, "policy_set_version_id"u8, entry.PolicySetVersionId);
        WriteIfPresent(writer, "manifest_sha"u8, entry.ManifestSha);
        writer.WriteString("evaluation_status"u8, entry.EvaluationStatus);
        WriteJson(writer, "determining_policies_json"u8, entry.DeterminingPoliciesJson);
        WriteJson(writer, "diagnostics_json"u8, entry.DiagnosticsJson);
        WriteJson(writer, "metadata_json"u8, entry.MetadataJson);
        writer.WriteString("occurred_at"u8, Rfc3339.Microseconds(entry.OccurredAt));
        writer.WriteEndObject();
    }

    private static void WriteIfPresent(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? json)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue(json ?? "null");
    }
}
