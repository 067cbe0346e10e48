using System.Data.Common;
using System.Text.Json;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>
/// The rules a denial was explained with (<see cref="DecisionExplanation"/>), each with the text of its line: the policy
/// versions of the zone, and the decision contract while it is the one that decided.
/// </summary>
internal sealed class ExplainedRules
{
    private readonly Dictionary<string, string[]> _lines = new(StringComparer.Ordinal);

    private ExplainedRules() { }

    /// <summary>Reads the policy texts the explanations of these events point at.</summary>
    public static async Task<ExplainedRules> LoadAsync(
        DbConnection connection, ISqlDialect dialect, string zoneId, IEnumerable<AuditEventRow> denied)
    {
        var sources = new ExplainedRules();
        sources._lines[DecisionContractModule.FileName] = DecisionContractModule.Source.Split('\n');
        var files = denied.SelectMany(Rules).Select(rule => Text(rule, "file")).OfType<string>()
            .Where(file => file != DecisionContractModule.FileName).Distinct(StringComparer.Ordinal).ToList();
        if (files.Count == 0) return sources;
        foreach (var row in await PolicyStore.FindVersionsAsync(connection, dialect, files))
        {
            if (row.ZoneId == zoneId) sources._lines[row.Id] = row.Content.Split('\n');
        }

        return sources;
    }

    /// <summary>Writes the rules of one event, or null where it has none.</summary>
    public void Write(Utf8JsonWriter writer, AuditEventRow row)
    {
        var rules = Rules(row);
        if (rules.Count == 0)
        {
            writer.WriteNullValue();
            return;
        }

        writer.WriteStartArray();
        foreach (var rule in rules)
        {
            var file = Text(rule, "file");
            writer.WriteStartObject();
            foreach (var member in rule.EnumerateObject()) member.WriteTo(writer);
            Source(writer, "source", file, rule, "line");
            Source(writer, "failed_source", file, rule, "failed_line");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void Source(Utf8JsonWriter writer, string name, string? file, JsonElement rule, string place)
    {
        if (file is not null && _lines.TryGetValue(file, out var lines)
            && rule.TryGetProperty(place, out var at) && at.TryGetInt32(out var line) && line >= 1 && line <= lines.Length)
        {
            writer.WriteString(name, lines[line - 1].Trim());
        }
    }

    // The STS appends its explanation; what a policy says before that is the policy's own.
    private static List<JsonElement> Rules(AuditEventRow row) =>
        AuditEventJson.Parse(row.DiagnosticsJson) is { ValueKind: JsonValueKind.Array } diagnostics
        && diagnostics.GetArrayLength() is > 0 and var count
        && diagnostics[count - 1] is { ValueKind: JsonValueKind.Object } last
        && last.TryGetProperty(DecisionExplanation.Key, out var explain) && explain.ValueKind == JsonValueKind.Object
        && explain.TryGetProperty("rules", out var rules) && rules.ValueKind == JsonValueKind.Array
            ? [.. rules.EnumerateArray().Where(rule => rule.ValueKind == JsonValueKind.Object)]
            : [];

    private static string? Text(JsonElement rule, string name) =>
        rule.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
