using System.Text.Json;
using Caracal.Audit.Search;
using Caracal.Evidence.Events;
using Caracal.Hosting.Http;
using Caracal.Streams;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.DeadLetters;

/// <summary><c>/api/audit/dlq</c>: list, show and replay what could not be stored (audit.md 10).</summary>
/// <param name="queue">The entries.</param>
/// <param name="access">Operators only.</param>
/// <param name="time">For ages.</param>
internal sealed class DeadLetterEndpoints(DeadLetterQueue queue, AdminAccess access, TimeProvider time)
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;

    public Task ListAsync(HttpContext context) => GuardAsync(context, async limit =>
    {
        var start = (string?)context.Request.Query["start"] ?? "-";
        string? after = null;
        if (start is not ("-" or ""))
        {
            var exclusive = start[0] == '(';
            if (!EntryIds.TryRead(exclusive ? start[1..] : start, out var id))
            {
                await PlainText.WriteAsync(context, 400, AuditErrors.EntryIdInvalid);
                return;
            }

            after = exclusive ? id : EntryIds.Before(id);
        }

        var letters = await queue.ListAsync(after, limit, context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("entries"u8);
            foreach (var letter in letters)
            {
                writer.WriteStartObject();
                WriteMembers(writer, letter);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("next_cursor"u8, letters.Count == limit ? letters[^1].Id : "");
            writer.WriteEndObject();
        });
    });

    public Task GetAsync(HttpContext context) => GuardAsync(context, async _ =>
    {
        if (!EntryIds.TryRead((string?)context.Request.RouteValues["id"] ?? "", out var id))
        {
            await PlainText.WriteAsync(context, 400, AuditErrors.EntryIdInvalid);
            return;
        }

        var found = await queue.ListAsync(EntryIds.Before(id), 1, context.RequestAborted);
        if (found.Count == 0 || found[0].Id != id)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.NotFound);
            return;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer => WriteWhole(writer, found[0]));
    });

    public Task ReplayAsync(HttpContext context) => GuardAsync(context, async limit =>
    {
        var (scanned, replayed) = await queue.ReplayAsync(limit, context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("scanned"u8, scanned);
            writer.WriteNumber("replayed"u8, replayed);
            writer.WriteNumber("skipped"u8, scanned - replayed);
            writer.WriteEndObject();
        });
    });

    private async Task GuardAsync(HttpContext context, Func<int, Task> handle)
    {
        if (!await access.AllowsAsync(context))
        {
            return;
        }

        if (!QueryNumbers.TryLimit((string?)context.Request.Query["limit"], DefaultLimit, MaximumLimit, out var limit))
        {
            await PlainText.WriteAsync(context, 400, AuditErrors.LimitInvalid);
            return;
        }

        try
        {
            await handle(limit);
        }
        catch (StreamsUnavailableException)
        {
            await PlainText.WriteAsync(context, 503, AuditErrors.DeadLettersUnavailable);
        }
    }

    private void WriteWhole(Utf8JsonWriter writer, DeadLetter letter)
    {
        writer.WriteStartObject();
        WriteMembers(writer, letter);
        writer.WriteString("source_event"u8, letter.SourceData ?? "");
        writer.WriteStartObject("fields"u8);
        foreach (var (name, value) in letter.Entry.Fields)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteMembers(Utf8JsonWriter writer, DeadLetter letter)
    {
        writer.WriteString("id"u8, letter.Id);
        writer.WriteString("source_id"u8, letter.SourceId ?? "");
        writer.WriteString("reason"u8, letter.Reason);
        writer.WriteString("received_at"u8, Rfc3339.Milliseconds(letter.ReceivedAt));
        writer.WriteNumber("age_seconds"u8, (long)Math.Max(0, (time.GetUtcNow() - letter.ReceivedAt).TotalSeconds));
        writer.WriteBoolean("replayable"u8, letter.Replayable);
        writer.WriteString("event_id"u8, letter.Event.GetValueOrDefault("id", ""));
        writer.WriteString("zone_id"u8, letter.Event.GetValueOrDefault("zone_id", ""));
        writer.WriteString("event_type"u8, letter.Event.GetValueOrDefault("event_type", ""));
        writer.WriteString("request_id"u8, letter.Event.GetValueOrDefault("request_id", ""));
        writer.WriteString("decision"u8, letter.Event.GetValueOrDefault("decision", ""));
        writer.WriteString("source_sig"u8, letter.SourceSignature ?? "");
    }
}
