using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Caracal.ControlPlane.Http;
using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.KeyRegistry;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Rotations;

/// <summary>
/// <c>POST /internal/instances</c>: the heartbeat of a console, which has no store. A token that consoles alone hold opens it, in
/// every mode: whoever could report a console that is not there could hold rotations up, and say which key is the first.
/// Of other services and other classes it can say nothing.
/// </summary>
internal sealed partial class ConsoleReports(Database database, DatabaseClock clock, TokenRing? token)
{
    public const string Path = "/internal/instances";

    private const string Scheme = "Bearer ";
    private const string Service = ConsoleHeartbeatStore.Service;
    private const int Longest = 16 * 1024;

    private static readonly Refusal Unauthorized = new(401, "unauthorized");
    private static readonly Refusal Invalid = new(400, "invalid_instance_report");

    public async Task HandleAsync(HttpContext context)
    {
        if (!MayReport(context.Request))
        {
            await ErrorBody.WriteAsync(context, Unauthorized);
            return;
        }

        var body = BodyReader.CheckHeaders(context.Request, Longest) is { } refused ? new BodyResult(null, refused) : await BodyReader.ReadAsync(context.Request, Longest, context.RequestAborted);
        using var document = body.Document;
        if (document is null || Read(document.RootElement) is not { } report)
        {
            await ErrorBody.WriteAsync(context, body.Problem ?? Invalid);
            return;
        }

        var states = await database.WriteAsync(WriteKind.Bookkeeping, work => TakeAsync(work, report), context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("states"u8);
            foreach (var (classId, state) in states) writer.WriteString(classId, state);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private bool MayReport(HttpRequest request) =>
        request.Headers.Authorization is [{ } text] && text.StartsWith(Scheme, StringComparison.Ordinal) && token?.Verify(text.AsSpan(Scheme.Length), request.HttpContext.Connection.RemoteIpAddress) == true;

    // What the registry says of each current key, as other services ask it themselves before they start (operations.md 4.4).
    private async Task<IReadOnlyDictionary<string, string?>> TakeAsync(Work work, Report report)
    {
        var states = new Dictionary<string, string?>(StringComparer.Ordinal);
        if (report.Stopped)
        {
            await ConsoleHeartbeatStore.EndAsync(work, report.Beat.Instance, clock.Now);
            return states;
        }

        await ConsoleHeartbeatStore.BeatAsync(work, report.Beat, clock.Now);
        foreach (var (classId, sid) in report.Current) states[classId] = await KeyRegistryGuard.StateAsync(work, classId, sid, null, clock.Now);
        return states;
    }

    private static Report? Read(JsonElement body)
    {
        try
        {
            var slots = Slots(body.GetProperty("key_slots"), out var current);
            var beat = new Heartbeat
            {
                Service = body.GetProperty("service").GetString() == Service ? Service : throw new FormatException(),
                Instance = Matching(body.GetProperty("instance"), InstancePattern()),
                Version = Matching(body.GetProperty("version"), InstancePattern()),
                Mode = Matching(body.GetProperty("mode"), ModePattern()),
                Address = null, // nobody calls a console at an address that it names
                StartedAt = body.GetProperty("started_at").GetDateTimeOffset(),
                KeySlots = slots,
            };
            return new Report(beat, body.GetProperty("stopped").GetBoolean(), current);
        }
        catch (Exception fault) when (fault is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    // Written anew, so that nothing is kept but ids.
    private static string Slots(JsonElement given, out IReadOnlyDictionary<string, string> current)
    {
        var active = new Dictionary<string, string>(StringComparer.Ordinal);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var held in given.EnumerateObject())
            {
                if (RotatableClass.Find(held.Name)?.Readers.Contains(Service) != true) throw new FormatException();
                var sid = Matching(held.Value.GetProperty("current"), SecretIdPattern());
                if (!active.TryAdd(held.Name, sid)) throw new FormatException();
                writer.WriteStartObject(held.Name);
                writer.WriteString("current"u8, sid);
                writer.WriteString("next"u8, held.Value.GetProperty("next").ValueKind == JsonValueKind.Null ? null : Matching(held.Value.GetProperty("next"), SecretIdPattern()));
                writer.WriteStartArray("previous"u8);
                foreach (var old in held.Value.GetProperty("previous").EnumerateArray()) writer.WriteStringValue(Matching(old, SecretIdPattern()));
                writer.WriteEndArray();
                writer.WriteString("source"u8, held.Value.GetProperty("source").GetString() is "file" ? "file" : "env");
                writer.WriteString("loaded_at"u8, Timestamps.Milliseconds(held.Value.GetProperty("loaded_at").GetDateTimeOffset()));
                WriteSeconds(writer, "previous_used_seconds", held.Value);
                WriteSeconds(writer, "unmatched_seconds", held.Value);
                WriteUsers(writer, held.Value);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        current = active;
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteSeconds(Utf8JsonWriter writer, string name, JsonElement held)
    {
        if (held.TryGetProperty(name, out var seconds) && seconds.ValueKind == JsonValueKind.Number) writer.WriteNumber(name, Math.Clamp(seconds.GetDouble(), 0, int.MaxValue));
    }

    private static void WriteUsers(Utf8JsonWriter writer, JsonElement held)
    {
        if (!held.TryGetProperty("previous_users", out var users)) return;
        writer.WriteStartArray("previous_users"u8);
        foreach (var user in users.EnumerateArray().Take(PreviousUsers.Most)) writer.WriteStringValue((IPAddress.TryParse(user.GetString(), out var address) ? address : throw new FormatException()).ToString());
        writer.WriteEndArray();
    }

    private static string Matching(JsonElement text, Regex pattern) => text.GetString() is { } value && pattern.IsMatch(value) ? value : throw new FormatException();

    [GeneratedRegex("^[A-Za-z0-9._+-]{1,128}$")]
    private static partial Regex InstancePattern();

    [GeneratedRegex("^(dev|rc|stable)$")]
    private static partial Regex ModePattern();

    [GeneratedRegex("^(sid|ver)_[0-9a-f]{16}$")]
    private static partial Regex SecretIdPattern();

    private sealed record Report(Heartbeat Beat, bool Stopped, IReadOnlyDictionary<string, string> Current);
}
