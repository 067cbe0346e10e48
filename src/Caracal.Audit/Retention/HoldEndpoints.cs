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

    private async Task<LegalHold?> ReadAsync(HttpContext context)
    {
        var body = await TextBody.ReadAsync(context, "zone_id", "from", "until", "reason", "placed_by");
        if (body?["reason"] is not { } reason || body["placed_by"] is not { } by || Time("from") is not { } from || Time("until") is not { } until || until <= from) return null;
        return new LegalHold { Id = Ids.New(), HeldZoneId = body["zone_id"], HeldFrom = from, HeldUntil = until, Reason = reason, PlacedBy = by, PlacedAt = clock.Now };

        DateTimeOffset? Time(string name) => body[name] is { } text && Rfc3339.TryParse(text, out var time) ? time : null;
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
