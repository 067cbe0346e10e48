using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;

namespace Caracal.Cli.ProviderCredentials;

/// <summary>Takes a provider's second credential through its steps at the API; what is told is how far it is, never what it is.</summary>
internal sealed class CredentialRun(CommandContext context, KeysApi api, string zoneId, JsonElement provider)
{
    private const string Shifted = "shifted";
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly string root = $"{ProvidersOf(zoneId)}/{provider.GetProperty("id").GetString()}/credential";

    /// <summary>The run for a provider that is named by its id or its identifier.</summary>
    public static async Task<CredentialRun> FindAsync(CommandContext context, KeysApi api, string zoneId, string name)
    {
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"{ProvidersOf(zoneId)}?limit=200{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}", context.Stop)).Require("providers");
            foreach (var provider in page.Body.GetProperty("items").EnumerateArray())
            {
                if (provider.GetProperty("id").GetString() == name || provider.GetProperty("identifier").GetString() == name) return new CredentialRun(context, api, zoneId, provider);
            }

            cursor = page.Body.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        throw new CommandFailure($"zone {zoneId} has no provider {name}");
    }

    /// <summary>stage, canary, shift, observe and retire; it ends where a step does not succeed, with the old credential in use or back in use.</summary>
    public async Task RotateAsync()
    {
        var change = await StageAsync();
        if (!context.Arguments.IsOn("force")) change = await CanaryAsync(Version(change));
        change = await ShiftAsync(Version(change));
        change = await ObserveAsync();
        await RetireAsync(Version(change), wait: true);
    }

    public async Task<WireAnswer> ShowAsync() => Tell(await api.GetAsync(root, context.Stop), "credential");

    public async Task<WireAnswer> StageAsync() =>
        await StepAsync("stage", new JsonObject { ["config_json"] = await CredentialInput.ReadAsync(context, provider.GetProperty("kind").GetString()!) }, null);

    /// <summary>Fails when the credential is not proven; it stays staged, to be asked again or given up.</summary>
    public async Task<WireAnswer> CanaryAsync(long? version = null)
    {
        var body = new JsonObject();
        Add(body, "resource", "resource_id");
        Add(body, "path", "path");
        Add(body, "method", "method");
        var change = await StepAsync("canary", body, version);
        return change["state"] == "proven" ? change : throw new CommandFailure($"the credential is not proven: {Canary(change)}; it stays staged, and nothing uses it");
    }

    public Task<WireAnswer> ShiftAsync(long? version = null)
    {
        var body = new JsonObject();
        if (context.Arguments.Value("observe") is not null) body["observe_seconds"] = context.Arguments.Integer("observe", 0, 1, int.MaxValue);
        if (context.Arguments.Value("refusals") is not null) body["refusals_allowed"] = context.Arguments.Integer("refusals", 0, 1, int.MaxValue);
        if (context.Arguments.Value("refused-percent") is not null) body["refused_percent"] = context.Arguments.Integer("refused-percent", 0, 1, 100);
        if (context.Arguments.IsOn("manual")) body["automatic"] = false;
        if (context.Arguments.IsOn("force")) body["force"] = true;
        return StepAsync("shift", body, version);
    }

    /// <summary>Watches the counts until the observation is over; fails when the credential was taken back.</summary>
    public async Task<WireAnswer> ObserveAsync()
    {
        var told = "";
        while (true)
        {
            var change = (await api.GetAsync(root, context.Stop)).Require("credential");
            if (change["state"] != Shifted) return Ended(change);
            if (told != Counts(change)) context.Terminal.Step(told = Counts(change));
            if (DateTimeOffset.Parse(change["observe_until"], CultureInfo.InvariantCulture) <= TimeProvider.System.GetUtcNow()) return Tell(change, "observe");
            await Task.Delay(Poll, context.Stop);
        }
    }

    public async Task<WireAnswer> RetireAsync(long? version = null, bool wait = false)
    {
        while (true)
        {
            var body = new JsonObject();
            if (version is not null) body["version"] = version;
            if (context.Arguments.IsOn("force")) body["force"] = true;
            var answer = await api.PostAsync($"{root}/retire", body, context.Stop);

            // The clocks here and there differ by a little.
            if (!wait || answer["error"] != "observation_open") return Tell(answer, "retire");
            await Task.Delay(Poll, context.Stop);
        }
    }

    public Task<WireAnswer> FallBackAsync()
    {
        var body = new JsonObject();
        Add(body, "reason", "reason");
        return StepAsync("fall-back", body, null);
    }

    /// <summary>Out of it from wherever it is: a credential that waits is dropped, one in use gives way to the one before.</summary>
    public async Task<WireAnswer> AbortAsync() =>
        (await api.GetAsync(root, context.Stop)).Require("credential")["state"] == Shifted ? await FallBackAsync() : await StepAsync("discard", [], null);

    private async Task<WireAnswer> StepAsync(string step, JsonObject body, long? version)
    {
        // Somebody else's step in between is refused, and not taken for ours.
        if (version is not null) body["version"] = version;
        return Tell(await api.PostAsync($"{root}/{step}", body, context.Stop), step);
    }

    private WireAnswer Ended(WireAnswer change) => change["state"] == "retired"
        ? Tell(change, "observe")
        : throw new CommandFailure($"the credential is {change["state"]}: {change["end_reason"]}; {Counts(change)}");

    private WireAnswer Tell(WireAnswer answer, string what)
    {
        var change = answer.Require(what);
        if (context.Json) context.Terminal.Line(change.Text);
        else context.Terminal.Step($"{change["state"],-10} {Detail(change)}".TrimEnd());
        return change;
    }

    private static string Detail(WireAnswer change) => change["state"] switch
    {
        "staged" or "proven" => Canary(change),
        Shifted => $"observed until {change["observe_until"]}; {Counts(change)}",
        "fell_back" => $"{change["end_reason"]}; {Counts(change)}",
        "retired" => Counts(change),
        _ => "",
    };

    private static string Canary(WireAnswer change) =>
        change.Body.GetProperty("canary") is { ValueKind: JsonValueKind.Object } canary ? $"{canary.GetProperty("status").GetString()}: {canary.GetProperty("detail").GetString()}" : "";

    private static string Counts(WireAnswer change) => $"{change.Body.GetProperty("refusals")} of {change.Body.GetProperty("answers")} answers refused it";

    private static long Version(WireAnswer change) => change.Body.GetProperty("version").GetInt64();

    private void Add(JsonObject body, string flag, string member)
    {
        if (context.Arguments.Value(flag) is { } value) body[member] = value;
    }

    private static string ProvidersOf(string zoneId) => $"/v1/zones/{Uri.EscapeDataString(zoneId)}/providers";
}
