using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Hardening;

/// <summary>The findings as SARIF 2.1.0, which pipelines and code scanners read.</summary>
internal static class Sarif
{
    public static string Write(IReadOnlyList<CheckResult> results)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
            writer.WriteString("version", "2.1.0");
            writer.WriteStartArray("runs");
            writer.WriteStartObject();
            WriteTool(writer, results);
            writer.WriteStartArray("results");
            for (var i = 0; i < results.Count; i++) WriteResult(writer, i, results[i]);
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void WriteTool(Utf8JsonWriter writer, IReadOnlyList<CheckResult> results)
    {
        writer.WriteStartObject("tool");
        writer.WriteStartObject("driver");
        writer.WriteString("name", "caracal harden");
        writer.WriteString("version", BuildInfo.Current.Version);
        writer.WriteStartArray("rules");
        foreach (var (check, _) in results)
        {
            writer.WriteStartObject();
            writer.WriteString("id", check.Id);
            Text(writer, "shortDescription", check.Name);
            Text(writer, "fullDescription", $"{check.Setting}: {check.Expected}. Otherwise: {check.Consequence}.");
            Text(writer, "help", check.Advice);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter writer, int index, CheckResult result)
    {
        var (check, finding) = result;
        writer.WriteStartObject();
        writer.WriteString("ruleId", check.Id);
        writer.WriteNumber("ruleIndex", index);
        // "pass" and "open" are kinds of their own; only a failure carries a level (SARIF 3.27.9, 3.27.10).
        writer.WriteString("kind", finding.Outcome switch { Outcome.Ok => "pass", Outcome.NotEvaluated => "open", _ => "fail" });
        writer.WriteString("level", finding.Outcome switch { Outcome.Fail => "error", Outcome.Warn => "warning", _ => "none" });
        Text(writer, "message", Scrubber.Scrub(finding.Detail));
        writer.WriteStartArray("locations");
        writer.WriteStartObject();
        writer.WriteStartArray("logicalLocations");
        writer.WriteStartObject();
        writer.WriteString("name", check.Setting);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter writer, string name, string text)
    {
        writer.WriteStartObject(name);
        writer.WriteString("text", text);
        writer.WriteEndObject();
    }
}
