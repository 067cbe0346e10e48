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
    private static readonly TimeSpan ActivationTime = TimeSpan.FromSeconds(30);

    private string Prefix => $"/v1/zones/{Uri.EscapeDataString(zone)}";

    // A note for each zone: what was in charge before.
    private string Note => Path.Combine(context.Paths.Home, "incidents", CaracalPaths.Segment(zone) + ".json");

    /// <summary>Policy first: what is ended afterwards cannot begin again meanwhile.</summary>
    public async Task<int> FreezeAsync(string reason)
    {
        if (File.Exists(Note)) throw new CommandFailure($"zone {zone} is frozen already ({Note})");
        var before = await ActiveAsync();
        var stamp = TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture);
        var policy = await PostAsync("/policies", new JsonObject { ["name"] = $"frozen-{stamp}", ["content"] = Document });
        var set = await PostAsync("/policy-sets", new JsonObject { ["name"] = $"frozen-{stamp}" });
        var version = await PostAsync(
            $"/policy-sets/{set["id"]}/versions", new JsonObject { ["manifest"] = new JsonArray(new JsonObject { ["policy_version_id"] = policy["version_id"] }) });
        SecretFolder.Prepare(Path.GetDirectoryName(Note)!);
        await File.WriteAllTextAsync(Note, new JsonObject { ["set"] = before?.Set, ["version"] = before?.Version, ["reason"] = reason }.ToJsonString(), context.Stop);
        await ActivateAsync(set["id"], version["version_id"]);
        context.Terminal.Success($"zone {zone} allows nothing any more");
        var ended = await PostAsync("/kill-switch", new JsonObject
        {
            ["filter"] = new JsonObject { ["started_before"] = TimeProvider.System.GetUtcNow().AddMinutes(1).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) },
            ["reason"] = reason,
        });
        context.Terminal.Success($"ended: {IncidentCommand.Counted(ended)}");
        context.Terminal.Info($"caracal incident thaw {zone} puts back what was in charge");
        return 0;
    }

    public async Task<int> ThawAsync()
    {
        if (!File.Exists(Note)) throw new CommandFailure($"zone {zone} was not frozen from here: there is no {Note}");
        var before = JsonNode.Parse(await File.ReadAllTextAsync(Note, context.Stop))!;
        if ((string?)before["set"] is { } set && (string?)before["version"] is { } version)
        {
            await ActivateAsync(set, version);
            context.Terminal.Success($"zone {zone} is under policy set {set} again");
        }
        else
        {
            context.Terminal.Warning("no policy set was in charge before: activate one; until then the zone denies everything");
        }

        File.Delete(Note);
        return 0;
    }

    private async Task<(string Set, string Version)?> ActiveAsync()
    {
        var answer = (await api.GetAsync($"{Prefix}/policy-sets?limit=200", context.Stop)).Require("policy sets");
        var rows = answer.Body.ValueKind == JsonValueKind.Array ? answer.Body : answer.Body.GetProperty("items");
        foreach (var row in rows.EnumerateArray())
        {
            if (row.GetProperty("active_version_id").GetString() is { } version) return (row.GetProperty("id").GetString()!, version);
        }

        return null;
    }

    // Not before the STS decides by it.
    private async Task ActivateAsync(string set, string version)
    {
        var activation = await PostAsync($"/policy-sets/{set}/activate", new JsonObject { ["version_id"] = version });
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.Stop);
        limit.CancelAfter(ActivationTime);
        try
        {
            while ((await api.GetAsync(activation["status_url"], limit.Token)).Require("activation")["propagation_status"] != "loaded")
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
        catch (OperationCanceledException) when (!context.Stop.IsCancellationRequested)
        {
            throw new CommandFailure("the policy is active, but the STS does not say that it decides by it: look at caracal status");
        }
    }

    private async Task<WireAnswer> PostAsync(string path, JsonObject body) => (await api.PostAsync(Prefix + path, body, context.Stop)).Require("POST " + path);
}
