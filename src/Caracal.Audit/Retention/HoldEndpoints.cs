using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Retention;

/// <summary><c>/api/audit/holds</c>: what must be kept, by zone and time, whatever retention says.</summary>
internal sealed class HoldEndpoints(LegalHoldStore store, AdminAccess access, DatabaseClock clock)
{
    private const int LongestText = 1000;

    public Task ListAsync(HttpContext context) => GuardAsync(context, async () =>
    {
        var holds = await store.ListAsync(context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("holds"u8);
            foreach (var hold in holds) Write(writer, hold);
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    });

    public Task PlaceAsync(HttpContext context) => GuardAsync(context, async () =>
    {
        if (await ReadAsync(context) is not { } hold)
        {
            await PlainText.WriteAsync(context, 400, AuditErrors.HoldInvalid);
            return;
        }

        await store.PlaceAsync(hold, context.RequestAborted);
        context.Response.StatusCode = 201;
        await ErrorBody.WriteJsonAsync(context.Response, writer => Write(writer, hold));
    });

    public Task ReleaseAsync(HttpContext context) => GuardAsync(context, async () =>
    {
        if (await store.ReleaseAsync((string)context.Request.RouteValues["id"]!, clock.Now, context.RequestAborted)) context.Response.StatusCode = 204;
        else await PlainText.WriteAsync(context, 404, AuditErrors.HoldNotFound);
    });

    // Nothing but the five members, so that a misspelt zone does not become a hold on something else.
    private async Task<LegalHold?> ReadAsync(HttpContext context)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (body.RootElement.ValueKind != JsonValueKind.Object) return null;
            var members = body.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal);
            if (members.Keys.Except(["zone_id", "from", "until", "reason", "placed_by"], StringComparer.Ordinal).Any()) return null;
            if (Text("reason") is not { } reason || Text("placed_by") is not { } by || Time("from") is not { } from || Time("until") is not { } until || until <= from) return null;
            if (members.TryGetValue("zone_id", out var zone) && zone.ValueKind != JsonValueKind.Null && Text("zone_id") is null) return null;
            return new LegalHold { Id = Ids.New(), HeldZoneId = Text("zone_id"), HeldFrom = from, HeldUntil = until, Reason = reason, PlacedBy = by, PlacedAt = clock.Now };

            string? Text(string name) => members.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= LongestText } text ? text : null;
            DateTimeOffset? Time(string name) => Text(name) is { } text && Rfc3339.TryParse(text, out var time) ? time : null;
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void Write(Utf8JsonWriter writer, LegalHold hold)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, hold.Id);
        writer.WriteString("zone_id"u8, hold.HeldZoneId);
        writer.WriteString("from"u8, Rfc3339.Microseconds(hold.HeldFrom));
        writer.WriteString("until"u8, Rfc3339.Microseconds(hold.HeldUntil));
        writer.WriteString("reason"u8, hold.Reason);
        writer.WriteString("placed_by"u8, hold.PlacedBy);
        writer.WriteString("placed_at"u8, Rfc3339.Microseconds(hold.PlacedAt));
        writer.WriteString("released_at"u8, hold.ReleasedAt is { } at ? Rfc3339.Microseconds(at) : null);
        writer.WriteEndObject();
    }

    private async Task GuardAsync(HttpContext context, Func<Task> handle)
    {
        if (!await access.AllowsAsync(context)) return;
        try
        {
            await handle();
        }
        catch (StorageUnavailableException)
        {
            await PlainText.WriteAsync(context, 500, AuditErrors.SearchFailed);
        }
    }
}
