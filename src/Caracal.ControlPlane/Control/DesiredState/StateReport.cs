using System.Text.Json.Nodes;

namespace Caracal.ControlPlane.Control.DesiredState;

/// <summary>What one object needs or got.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Identity">Its name or identifier.</param>
/// <param name="Action"><c>create</c>, <c>update</c>, <c>unchanged</c> or <c>prune</c>.</param>
/// <param name="Drift">What differed.</param>
/// <param name="Id">Its row; null when it has none yet.</param>
/// <param name="Applied">False in a dry run and for what failed.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
internal sealed record ObjectOutcome(string Kind, string Identity, string Action, IReadOnlyList<string> Drift, string? Id, bool Applied, ControlOutcome? Error = null)
{
    /// <summary>The same object, failed; control.md 6 reports it as unchanged and not applied.</summary>
    public ObjectOutcome Failed(ControlOutcome error) => this with { Action = "unchanged", Applied = false, Error = error };

    public JsonObject ToJson()
    {
        var json = new JsonObject { ["kind"] = Kind, ["identity"] = Identity, ["action"] = Action };
        if (Drift.Count > 0) json["drift"] = new JsonArray([.. Drift.Select(name => JsonValue.Create(name))]);
        if (Id is not null) json["id"] = Id;
        json["applied"] = Applied;
        if (Error is { } error) json["error"] = new JsonObject { ["code"] = error.Code, ["reason"] = error.Reason };
        return json;
    }
}

/// <summary>The report of <c>state</c> and <c>ensure</c> (control.md 6).</summary>
internal static class StateReport
{
    public static JsonObject Of(IReadOnlyList<ObjectOutcome> outcomes, bool dryRun, bool prune, string zoneId)
    {
        var failed = outcomes.Count(outcome => outcome.Error is not null);
        return new JsonObject
        {
            ["ok"] = failed == 0,
            ["dryRun"] = dryRun,
            ["prune"] = prune,
            ["zoneId"] = zoneId,
            ["outcomes"] = new JsonArray([.. outcomes.Select(outcome => outcome.ToJson())]),
            ["summary"] = new JsonObject
            {
                ["created"] = Count("create"),
                ["updated"] = Count("update"),
                ["unchanged"] = Count("unchanged"),
                ["pruned"] = Count("prune"),
                ["failed"] = failed,
            },
            ["drift"] = outcomes.Any(outcome => outcome.Action != "unchanged"),
        };

        // A failed object counts as failed only.
        int Count(string action) => outcomes.Count(outcome => outcome.Action == action && outcome.Error is null);
    }
}
