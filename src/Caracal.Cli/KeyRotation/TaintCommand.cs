using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.KeyRotation;

/// <summary>
/// <c>caracal keys taint</c>: a zone's signing key is in wrong hands. One command takes it out of the key set of every STS,
/// signs with a new one, ends the authority it stood for, and says who used it: one key signs at a time, so every mandate
/// of its time carries it (operations.md 4.6.2).
/// </summary>
internal sealed class TaintCommand(CommandContext context, KeysApi api)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly TimeSpan patience = TimeSpan.FromSeconds(context.Arguments.Integer("timeout", 60, 1, 3600));

    public async Task<int> RunAsync(string zoneId)
    {
        var who = Responsible.Read(context.Arguments);
        var zone = $"/v1/zones/{Uri.EscapeDataString(zoneId)}";
        var bad = Signing(Require(await api.GetAsync($"{zone}/keys", context.Stop), "keys"));
        var since = Time(bad, "activates_at") ?? Time(bad, "created_at")!;
        var kid = bad.GetProperty("kid").GetString()!;
        var start = Stopwatch.GetTimestamp();
        var rotated = Require(await api.PostAsync($"{zone}/keys/rotate", new JsonObject { ["compromised"] = true, ["reason"] = $"{who.Reason} ({who.Actor})" }, context.Stop), "taint");
        if (rotated.GetProperty("evicted_kid").GetString() != kid) throw new CommandFailure($"another rotation came first; {rotated.GetProperty("evicted_kid")} was taken out, run again for what signs now");
        context.Terminal.Step($"{kid} is compromised; {rotated.GetProperty("kid")} signs, and what the old one stood for is revoked");
        var gone = await GoneAsync(zoneId, kid, start);
        context.Terminal.Step($"{gone.Count} STS do not publish it any more");

        // Events of the last moments are on their way into the ledger.
        await Task.Delay(Settling, context.Stop);
        var until = TimeProvider.System.GetUtcNow();
        var users = await UsersAsync(zone, since, until);
        Tell(zoneId, kid, rotated.GetProperty("kid").GetString()!, since, until, gone, users);
        return 0;
    }

    private async Task<IReadOnlyDictionary<string, double>> GoneAsync(string zoneId, string kid, long start)
    {
        var instances = Require(await api.GetAsync("/v1/operations/instances", context.Stop), "instances").GetProperty("items").EnumerateArray()
            .Where(row => row.GetProperty("live").GetBoolean() && row.GetProperty("service").GetString() == "sts" && row.GetProperty("address").ValueKind == JsonValueKind.String)
            .ToDictionary(row => "sts/" + row.GetProperty("instance").GetString(), row => new Uri(new Uri(row.GetProperty("address").GetString()!), $"/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zoneId)}"), StringComparer.Ordinal);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = TimeSpan.FromSeconds(5) };
        var gone = new Dictionary<string, double>(StringComparer.Ordinal);
        while (gone.Count < instances.Count)
        {
            foreach (var (name, address) in instances.Where(instance => !gone.ContainsKey(instance.Key)))
            {
                if (!await PublishesAsync(http, address, kid)) gone[name] = Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            if (gone.Count == instances.Count) break;
            if (Stopwatch.GetElapsedTime(start) > patience) throw new CommandFailure($"still published by {string.Join(", ", instances.Keys.Except(gone.Keys))}; it is revoked in the store, end those instances");
            await Task.Delay(Poll, context.Stop);
        }

        return gone;
    }

    // What cannot be asked has not said that the key is gone.
    private async Task<bool> PublishesAsync(HttpClient http, Uri address, string kid)
    {
        try
        {
            using var answer = await http.GetAsync(address, context.Stop);
            if (answer.StatusCode != HttpStatusCode.OK) return true;
            using var keys = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(context.Stop));
            return keys.RootElement.GetProperty("keys").EnumerateArray().Any(key => key.GetProperty("kid").GetString() == kid);
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private async Task<IReadOnlyList<KeyUser>> UsersAsync(string zone, string since, DateTimeOffset until)
    {
        var users = new Dictionary<string, KeyUser>(StringComparer.Ordinal);
        var query = $"{zone}/audit?event_type=token_exchange&decision=allow&limit=1000&since={Uri.EscapeDataString(since)}&until={Uri.EscapeDataString(Text(until))}";
        string? cursor = null;
        do
        {
            var page = Require(await api.GetAsync(cursor is null ? query : $"{query}&cursor={Uri.EscapeDataString(cursor)}", context.Stop), "audit");
            foreach (var row in page.GetProperty("items").EnumerateArray())
            {
                if (row.GetProperty("metadata_json") is not { ValueKind: JsonValueKind.Object } metadata) continue;
                var id = Member(metadata, "application_id") ?? "";
                if (!users.TryGetValue(id, out var user)) users[id] = user = new KeyUser(id, Member(metadata, "application_name") ?? "");
                user.Add(row.GetProperty("occurred_at").GetString()!, Member(metadata, "agent_session_id"), Member(metadata, "resource"));
            }

            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        return [.. users.Values.OrderByDescending(user => user.Events)];
    }

    private void Tell(
        string zoneId, string kid, string newKid, string since, DateTimeOffset until, IReadOnlyDictionary<string, double> gone, IReadOnlyList<KeyUser> users)
    {
        if (context.Json)
        {
            context.Terminal.Line(new JsonObject
            {
                ["zone_id"] = zoneId,
                ["kid"] = kid,
                ["new_kid"] = newKid,
                ["since"] = since,
                ["until"] = Text(until),
                ["gone_ms"] = new JsonObject(gone.Select(instance => KeyValuePair.Create(instance.Key, (JsonNode?)instance.Value))),
                ["events"] = users.Sum(user => user.Events),
                ["used_by"] = new JsonArray([.. users.Select(user => user.ToJson())]),
            }.ToJsonString());
            return;
        }

        context.Terminal.Line($"mandates of {kid}, {since} to {Text(until)}:");
        context.Terminal.Table(
            ["APPLICATION", "NAME", "EXCHANGES", "SESSIONS", "RESOURCES", "FIRST", "LAST"],
            [.. users.Select(user => (IReadOnlyList<string?>)
            [
                user.Id, user.Name, user.Events.ToString(CultureInfo.InvariantCulture), user.Sessions.Count.ToString(CultureInfo.InvariantCulture),
                string.Join(' ', user.Resources.Order(StringComparer.Ordinal)), user.First, user.Last,
            ])]);
        context.Terminal.Success($"{kid} is out; {users.Count} applications had used it. Agents mint again with {newKid}");
    }

    private static JsonElement Signing(JsonElement keys) =>
        keys.EnumerateArray().FirstOrDefault(key => key.GetProperty("state").GetString() == "active") is { ValueKind: JsonValueKind.Object } active
            ? active
            : throw new CommandFailure("the zone has no key that signs");

    private static JsonElement Require(WireAnswer answer, string what) => answer.IsSuccess
        ? answer.Body
        : throw new CommandFailure($"{what} was refused: {answer.Status} {answer["error"]} {answer["error_description"]}".TrimEnd(), exitCode: answer.Status >= 500 ? 2 : 1);

    private static string? Time(JsonElement key, string name) => key.GetProperty(name).GetString();

    private static string? Member(JsonElement metadata, string name) =>
        metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
