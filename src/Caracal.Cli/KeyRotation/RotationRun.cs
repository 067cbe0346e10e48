using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Rotations;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>Takes a rotation through its steps: the files here, the gates and the state at the API. Every step may be run again (operations.md 4.3).</summary>
internal sealed class RotationRun(CommandContext context, KeysApi api)
{
    private const string Root = "/v1/operations/rotations";
    private static readonly TimeSpan EmergencyDrain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan DrainPoll = TimeSpan.FromSeconds(1);

    private readonly TimeSpan patience = TimeSpan.FromSeconds(context.Arguments.Integer("timeout", 300, 1, 86_400));

    /// <summary>Stages a value and registers it; an open rotation of the class is gone on with.</summary>
    public async Task<JsonElement> PrepareAsync(RotatableClass rotated)
    {
        var files = IRotatedMaterial.Of(context, api, rotated);
        if (await FindOpenAsync(rotated.Id) is { } open)
        {
            if (context.Arguments.Value("reason") is not null) context.Terminal.Info($"going on with {Text(open, "id")}, which is {Text(open, "state")}");
            return open;
        }

        var sid = await files.StageAsync(context.Stop);
        var body = new JsonObject
        {
            ["class"] = rotated.Id,
            ["to_sid"] = sid,
            ["location"] = "file:" + files.NextPath,
            ["reason_kind"] = context.Arguments.Value("reason-kind") ?? "scheduled",
            ["reason"] = context.Arguments.Value("reason") ?? throw new CommandFailure("--reason is required: why this rotation (10 characters or more)"),
            ["actor"] = context.Arguments.Value("actor") ?? "bootstrap",
            ["client_time"] = Now(),
        };
        if (context.Arguments.Value("overlap") is not null) body["overlap_seconds"] = context.Arguments.Integer("overlap", 0, 0, 604_800);
        if (context.Arguments.Value("rollback-window") is not null) body["rollback_window_seconds"] = context.Arguments.Integer("rollback-window", 0, 1800, 2_592_000);
        if (context.Arguments.IsOn("emergency")) body["emergency"] = true;
        if (context.Arguments.Value("backup") is { } backup) body["backup_taken_at"] = BackupTime(backup);
        var answer = await api.PostAsync(Root, body, context.Stop);

        // Refused for certain: the staged value must not stay, unless the schedule of the API has registered it meanwhile.
        // Anything else may have been taken.
        if (answer.Status is >= 400 and < 500 && (await FindOpenAsync(rotated.Id) is not { } other || Text(other, "to_sid") != sid)) await files.DiscardAsync(sid, context.Stop);
        var rotation = Require(answer, "prepare");
        await TellAsync(rotation, $"{Text(rotation, "id")}  {Text(rotation, "from_sid")} → {sid}  file:{files.NextPath}");
        Emit(rotation);
        return rotation;
    }

    public Task<JsonElement> DeployAsync(JsonElement rotation) => AdvanceAsync(rotation, RotationState.Deployed, wait: true);

    /// <summary>Makes the new value current in the files, then waits until every reader has it.</summary>
    public async Task<JsonElement> RollAsync(JsonElement rotation)
    {
        // Somebody may have ended it since it was read.
        rotation = await FindAsync(Text(rotation, "id")!);
        if (Text(rotation, "state") == RotationState.Deployed)
        {
            Files(rotation).Promote(Text(rotation, "to_sid")!);
            Emit(rotation);
        }

        try
        {
            return await AdvanceAsync(rotation, RotationState.Rolled, wait: true);
        }
        catch (CommandFailure)
        {
            PutBack(await FindAsync(Text(rotation, "id")!));
            throw;
        }
    }

    public async Task<JsonElement> VerifyAsync(JsonElement rotation)
    {
        var files = Files(rotation);
        var leak = LogScan.FirstLeak(files.Secrets(), context.Paths.Logs, context.Arguments.Values("logs"));
        if (leak is not null) throw new CommandFailure($"V11: {leak} holds a key value in clear");
        if (Text(rotation, "state") == RotationState.Rolled && await files.ProveBothAsync(context.Stop) is { } refused) throw new CommandFailure($"V8: {refused}");
        var verified = await AdvanceAsync(rotation, RotationState.Verified, wait: true);
        context.Terminal.Success("V11 no log holds a value");
        return verified;
    }

    /// <summary>Ends the overlap: gates first, then the value that goes leaves the files, then nobody may hold it any more.</summary>
    public async Task<JsonElement> RetireAsync(JsonElement rotation, bool wait)
    {
        var wentBack = RotationState.WentBack(Text(rotation, "state")!);
        var leaving = Text(rotation, wentBack ? "to_sid" : "from_sid");
        if (leaving is not null && (wentBack || Text(rotation, "state") == RotationState.Verified)) await DrainAsync(rotation, leaving, wait);
        rotation = await AdvanceAsync(rotation, RotationState.Retired, wait);
        if (leaving is not null) await Files(rotation).RetireAsync(leaving, rotation, context.Stop);
        Emit(rotation);
        if (!wentBack) await WaitAsync($"{Root}/{Text(rotation, "id")}/verify", rotation, "retired");
        return rotation;
    }

    /// <summary>Back to the old value; what the new one signed still verifies.</summary>
    public async Task<JsonElement> RollBackAsync(JsonElement rotation)
    {
        var ended = Require(await api.PostAsync($"{Root}/{Text(rotation, "id")}/rollback", Reason(), context.Stop), "rollback");
        await Files(ended).DiscardAsync(Text(ended, "to_sid")!, context.Stop);
        Files(ended).Restore(Text(ended, "from_sid")!);
        Emit(ended);
        await TellAsync(ended, $"current is {Text(ended, "from_sid")} again");
        return ended;
    }

    /// <summary>Gives up a value nobody signs with. One that a roll has made current in the files may have signed: there it is a rollback.</summary>
    public async Task<JsonElement> AbortAsync(JsonElement rotation)
    {
        if (Text(rotation, "state") is RotationState.Deployed or RotationState.RolledBack && Files(rotation).Current == Text(rotation, "to_sid"))
        {
            context.Terminal.Info("the files have the new value as current, so it may have signed: going back");
            return await RollBackAsync(rotation);
        }

        var ended = Require(await api.PostAsync($"{Root}/{Text(rotation, "id")}/abort", Reason(), context.Stop), "abort");
        var restored = PutBack(ended);
        await Files(ended).DiscardAsync(Text(ended, "to_sid")!, context.Stop);
        Emit(ended);
        await TellAsync(ended, restored ? $"current is {Text(ended, "from_sid")} again; caracal keys retire {Text(ended, "id")} lets the other go" : "the staged value is gone");
        return ended;
    }

    // What the registry does not call active must not stay current, whoever ended the rotation meanwhile.
    private bool PutBack(JsonElement rotation)
    {
        if (!RotationState.WentBack(Text(rotation, "state")!) || Text(rotation, "from_sid") is not { } from) return false;
        var files = Files(rotation);
        if (files.Current != Text(rotation, "to_sid")) return false;
        files.Restore(from);
        return true;
    }

    public async Task<JsonElement> FindAsync(string id) => Require(await api.GetAsync($"{Root}/{Uri.EscapeDataString(id)}", context.Stop), id);

    private async Task<JsonElement?> FindOpenAsync(string classId)
    {
        var list = Require(await api.GetAsync($"{Root}?class={classId}&limit=20", context.Stop), "list").GetProperty("items");
        foreach (var rotation in list.EnumerateArray())
        {
            if (RotationState.IsOpen(Text(rotation, "state")!)) return rotation;
        }

        return null;
    }

    private async Task<JsonElement> AdvanceAsync(JsonElement rotation, string to, bool wait)
    {
        // Each step sets every service to work: callers get a turn in between.
        await Task.Delay(Poll, context.Stop);
        var start = Stopwatch.GetTimestamp();
        var told = "";
        while (true)
        {
            var body = new JsonObject { ["to"] = to };
            if (to == RotationState.Retired && context.Arguments.Value("backup") is { } backup) body["backup_taken_at"] = BackupTime(backup);
            var answer = await api.PostAsync($"{Root}/{Text(rotation, "id")}/advance", body, context.Stop);
            if (answer.IsSuccess)
            {
                await TellAsync(answer.Body, string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s"));
                return answer.Body;
            }

            var left = wait && answer["error"] == "gate_not_met" ? Left(answer.Body) : null;
            if (left is null || Stopwatch.GetElapsedTime(start) + left > patience) throw Refused(answer, to);
            if (told != answer["error_description"]) context.Terminal.Info(told = answer["error_description"]);
            await Task.Delay(left.Value < Poll ? Poll : left.Value, context.Stop);
        }
    }

    // Only what time or a laggard will meet is waited for.
    private static TimeSpan? Left(JsonElement body)
    {
        var failing = body.GetProperty("gates").EnumerateArray().Where(gate => !gate.GetProperty("ok").GetBoolean()).ToList();
        if (failing.Any(gate => gate.GetProperty("retry_after_seconds").ValueKind == JsonValueKind.Null)) return null;
        var seconds = failing.Max(gate => gate.GetProperty("retry_after_seconds").GetInt32());
        return seconds <= 1 ? TimeSpan.Zero : TimeSpan.FromSeconds(seconds);
    }

    // After the value has left the files every instance must have let go of it.
    private async Task WaitAsync(string verify, JsonElement rotation, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var checks = Require(await api.PostAsync(verify, [], context.Stop), "verify");
            if (checks.EnumerateArray().FirstOrDefault(check => !check.GetProperty("ok").GetBoolean()) is not { ValueKind: JsonValueKind.Object } failing)
            {
                await SaveEvidenceAsync(Text(rotation, "id")!);
                return;
            }

            if (Stopwatch.GetElapsedTime(start) > patience) throw new CommandFailure($"{what}, but {Text(failing, "id")}: {Text(failing, "detail")}");
            await Task.Delay(Poll, context.Stop);
        }
    }

    // Where services read another store than these files, an operator carries each step there; the next gate waits for it.
    private void Emit(JsonElement rotation)
    {
        if (context.Arguments.Value("emit") is not { } format) return;
        var text = SlotPatch.Of(format, KeysApi.SecretsOf(context), RotatableClass.Find(Text(rotation, "class")!)!, context.Arguments.Value("emit-to"));
        if (context.Json) context.Terminal.Line(new JsonObject { ["event"] = "emit", ["format"] = format, ["text"] = text }.ToJsonString());
        else context.Terminal.Line(text);
    }

    private async Task TellAsync(JsonElement rotation, string detail)
    {
        if (context.Json) context.Terminal.Line(new JsonObject { ["event"] = Text(rotation, "state"), ["detail"] = detail, ["rotation"] = JsonNode.Parse(rotation.GetRawText()) }.ToJsonString());
        else context.Terminal.Step($"{Text(rotation, "state"),-10} {detail}");
        await SaveEvidenceAsync(Text(rotation, "id")!);
    }

    // The operator's own copy of the lines (operations.md 4.8).
    private async Task SaveEvidenceAsync(string id)
    {
        var answer = await api.GetAsync($"{Root}/{id}/evidence", context.Stop);
        if (!answer.IsSuccess) return;
        var lines = answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (RotationLine.FirstBreak(lines) is { } broken) throw new CommandFailure($"line {broken} of the evidence does not follow from the one before it");
        var folder = Path.Combine(context.Paths.Home, "rotations");
        SecretFolder.Prepare(folder);
        SecretFolder.WriteOwnerOnly(Path.Combine(folder, id + ".jsonl"), Encoding.UTF8.GetBytes(answer.Text));
    }

    // Who still uses the old value is waited for; in an emergency it is told and then ended.
    private async Task DrainAsync(JsonElement rotation, string leaving, bool wait)
    {
        var start = Stopwatch.GetTimestamp();
        while (await Files(rotation).UndrainedAsync(leaving, rotation, context.Stop) is { } left)
        {
            if (rotation.GetProperty("emergency").GetBoolean() && Stopwatch.GetElapsedTime(start) > EmergencyDrain)
            {
                context.Terminal.Warning(left);
                return;
            }

            if (!wait && !rotation.GetProperty("emergency").GetBoolean() || Stopwatch.GetElapsedTime(start) > patience) throw new CommandFailure($"{left}; nothing was retired");
            await Task.Delay(DrainPoll, context.Stop);
        }
    }

    private IRotatedMaterial Files(JsonElement rotation) =>
        IRotatedMaterial.Of(context, api, RotatableClass.Find(Text(rotation, "class")!) ?? throw new CommandFailure($"{Text(rotation, "class")} has no files"));

    private JsonObject Reason() => new() { ["reason"] = context.Arguments.Value("reason") ?? throw new CommandFailure("--reason is required (10 characters or more)") };

    private static string BackupTime(string path) => !File.Exists(path) || new FileInfo(path).Length == 0
        ? throw new CommandFailure($"--backup: there is no backup at {path}")
        : File.GetLastWriteTimeUtc(path).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static JsonElement Require(WireAnswer answer, string what) => answer.IsSuccess ? answer.Body : throw Refused(answer, what);

    private static CommandFailure Refused(WireAnswer answer, string what) =>
        new($"{what} was refused: {answer.Status} {answer["error"]} {answer["error_description"]}".TrimEnd(), exitCode: answer.Status >= 500 ? 2 : 1);

    private static string Now() => TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string? Text(JsonElement rotation, string name) => rotation.GetProperty(name).GetString();
}
