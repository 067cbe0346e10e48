using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Incidents;

/// <summary>A zone in which nothing may begin and nothing goes on, until it is thawed.</summary>
internal sealed class ZoneFreeze(CommandContext context, KeysApi api, string zone)
{
    private const string Document = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\napp_ids := {}\ngrants := {}\n";
    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(20);

    private string Prefix => $"/v1/zones/{Uri.EscapeDataString(zone)}";

    // A note for each zone: what was in charge before, and what took its place.
    private string Note => Path.Combine(context.Paths.Home, "incidents", CaracalPaths.Segment(zone) + ".json");

    /// <summary>
    /// Ends what lives at once, whatever becomes of the policy; and again when the STS decides by it, because until then
    /// something may have begun. Run again, it does all of it again.
    /// </summary>
    public async Task<int> FreezeAsync(string reason)
    {
        string? problem;
        try
        {
            var frozen = File.Exists(Note) ? Frozen(await ReadNoteAsync()) : await PrepareAsync(reason);
            var activation = await PostAsync($"/policy-sets/{frozen.Set}/activate", new JsonObject { ["version_id"] = frozen.Version });
            await EndAllAsync(reason);
            problem = await ProblemAsync(activation);
        }
        catch (Exception fault) when (fault is CommandFailure or WireException)
        {
            problem = fault.Message;
        }

        await EndAllAsync(reason);
        if (problem is not null) throw new CommandFailure($"what lived has ended, but zone {zone} may still let something begin: {problem}; freeze it again");
        context.Terminal.Success($"zone {zone} allows nothing any more");
        context.Terminal.Info($"caracal incident thaw {zone} puts back what was in charge");
        return 0;
    }

    public async Task<int> ThawAsync()
    {
        if (!File.Exists(Note)) throw new CommandFailure($"zone {zone} was not frozen from here: there is no {Note}");
        var before = await ReadNoteAsync();
        if ((string?)before["set"] is { } set && (string?)before["version"] is { } version)
        {
            if (await ProblemAsync(await PostAsync($"/policy-sets/{set}/activate", new JsonObject { ["version_id"] = version })) is { } problem) throw new CommandFailure(problem);
            context.Terminal.Success($"zone {zone} is under policy set {set} again");
        }
        else
        {
            context.Terminal.Warning("no policy set was in charge before: activate one; until then the zone denies everything");
        }

        File.Delete(Note);
        return 0;
    }

    private static (string Set, string Version) Frozen(JsonNode note) => ((string)note["frozen_set"]!, (string)note["frozen_version"]!);

    private async Task<JsonNode> ReadNoteAsync() => JsonNode.Parse(await File.ReadAllTextAsync(Note, context.Stop))!;

    private async Task<(string Set, string Version)> PrepareAsync(string reason)
    {
        var before = await ActiveAsync();
        var stamp = TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture);
        var policy = await PostAsync("/policies", new JsonObject { ["name"] = $"frozen-{stamp}", ["content"] = Document });
        var set = await PostAsync("/policy-sets", new JsonObject { ["name"] = $"frozen-{stamp}" });
        var version = await PostAsync(
            $"/policy-sets/{set["id"]}/versions", new JsonObject { ["manifest"] = new JsonArray(new JsonObject { ["policy_version_id"] = policy["version_id"] }) });
        var note = new JsonObject
        {
            ["set"] = before?.Set,
            ["version"] = before?.Version,
            ["frozen_set"] = set["id"],
            ["frozen_version"] = version["version_id"],
            ["reason"] = reason,
        };
        SecretFolder.Prepare(Path.GetDirectoryName(Note)!);
        await File.WriteAllTextAsync(Note, note.ToJsonString(), context.Stop);
        return Frozen(note);
    }

    // Everything, whatever this machine's clock says.
    private async Task EndAllAsync(string reason)
    {
        var ended = await PostAsync(
            "/kill-switch", new JsonObject { ["filter"] = new JsonObject { ["started_before"] = "9999-12-31T23:59:59Z" }, ["reason"] = reason });
        context.Terminal.Success($"ended: {IncidentCommand.Counted(ended)}");
    }

    private async Task<(string Set, string Version)?> ActiveAsync()
    {
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"{Prefix}/policy-sets?limit=200{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}", context.Stop)).Require("policy sets").Body;
            foreach (var row in page.GetProperty("items").EnumerateArray())
            {
                if (row.GetProperty("active_version_id").GetString() is { } version) return (row.GetProperty("id").GetString()!, version);
            }

            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        return null;
    }

    // None once the STS decides by it.
    private async Task<string?> ProblemAsync(WireAnswer activation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.Stop);
        limit.CancelAfter(LoadTime);
        try
        {
            while ((await api.GetAsync(activation["status_url"], limit.Token)).Require("activation")["propagation_status"] != "loaded")
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }

            return null;
        }
        catch (OperationCanceledException) when (!context.Stop.IsCancellationRequested)
        {
            return "the policy is active, but the STS does not say that it decides by it: look at caracal status";
        }
    }

    private async Task<WireAnswer> PostAsync(string path, JsonObject body) => (await api.PostAsync(Prefix + path, body, context.Stop)).Require("POST " + path);
}
