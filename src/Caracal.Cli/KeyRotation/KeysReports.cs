using System.Globalization;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Rotations;
using Caracal.Keys.Rotation;

namespace Caracal.Cli.KeyRotation;

/// <summary>What <c>caracal keys</c> shows: the inventory, rotations, evidence.</summary>
internal static class KeysReports
{
    public static async Task<int> ListAsync(CommandContext context, KeysApi api)
    {
        var answer = (await api.GetAsync("/v1/operations/keys", context.Stop)).Require("keys list");
        if (context.Json) context.Terminal.Line(answer.Text);
        else
        {
            context.Terminal.Table(
                ["CLASS", "CURRENT", "NEXT", "PREVIOUS", "AGE", "MAX", "IN SYNC", "SCHEDULE"],
                [.. answer.Body.GetProperty("items").EnumerateArray().Select(key => (IReadOnlyList<string?>)
                [
                    Text(key, "class"), Text(key, "current"), Text(key, "next"), string.Join(' ', key.GetProperty("previous").EnumerateArray()),
                    Days(key, "age_days"), Days(key, "max_age_days"),
                    $"{key.GetProperty("instances").GetProperty("in_sync")}/{key.GetProperty("instances").GetProperty("live")}", Schedule(key),
                ])]);
        }

        return 0;
    }

    public static async Task<int> HistoryAsync(CommandContext context, KeysApi api, bool openOnly)
    {
        var filter = context.Arguments.Value("class") is { } name ? $"&class={Uri.EscapeDataString(name)}" : "";
        var answer = (await api.GetAsync($"/v1/operations/rotations?limit=200{filter}", context.Stop)).Require("keys history");
        var rows = answer.Body.GetProperty("items").EnumerateArray().Where(row => !openOnly || RotationState.IsOpen(Text(row, "state")!)).ToList();
        if (context.Json)
        {
            foreach (var row in rows) context.Terminal.Line(row.GetRawText());
        }
        else
        {
            context.Terminal.Table(
                ["ID", "CLASS", "STATE", "FROM", "TO", "ACTOR", "STARTED", "RETIRABLE"],
                [.. rows.Select(row => (IReadOnlyList<string?>)
                [
                    Text(row, "id"), Text(row, "class"), Text(row, "state"), Text(row, "from_sid"), Text(row, "to_sid"), Text(row, "actor"),
                    Text(row, "created_at"), Text(row, "retirable_at"),
                ])]);
        }

        return 0;
    }

    public static async Task<int> ShowAsync(CommandContext context, KeysApi api, string id)
    {
        var answer = (await api.GetAsync($"/v1/operations/rotations/{Uri.EscapeDataString(id)}", context.Stop)).Require(id);
        if (context.Json) context.Terminal.Line(answer.Text);
        else
        {
            foreach (var member in answer.Body.EnumerateObject()) context.Terminal.Line($"{member.Name,-24} {member.Value}");
        }

        return 0;
    }

    /// <summary>Prints the lines and re-computes their chain; exit 1 when one does not follow.</summary>
    public static async Task<int> EvidenceAsync(CommandContext context, KeysApi api, string id)
    {
        var answer = (await api.GetAsync($"/v1/operations/rotations/{Uri.EscapeDataString(id)}/evidence", context.Stop)).Require(id);
        context.Terminal.Write(answer.Text);
        var lines = answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (RotationLine.FirstBreak(lines) is { } broken)
        {
            context.Terminal.Error(string.Create(CultureInfo.InvariantCulture, $"line {broken} does not follow from the one before it"));
            return 1;
        }

        context.Terminal.Success($"{lines.Length} lines, each following from the one before it");
        return 0;
    }

    // When it rotates by itself, or what keeps it from doing so.
    private static string Schedule(JsonElement key) => key.GetProperty("schedule") switch
    {
        { ValueKind: JsonValueKind.Null } => "off",
        var schedule when Text(schedule, "refusal") is { } refusal => "no: " + refusal,
        var schedule when Text(schedule, "detail") is { } detail => (Text(schedule, "stalled_since") is null ? "" : "stalled: ") + detail,
        var schedule => Text(schedule, "begins_at") ?? "not due",
    };

    private static string? Text(JsonElement row, string name) => row.GetProperty(name).GetString();

    private static string? Days(JsonElement row, string name) =>
        row.GetProperty(name) is { ValueKind: JsonValueKind.Number } days ? $"{days} d" : null;
}
