using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Hardening;

/// <summary>What <c>caracal harden</c> tells people and programs.</summary>
internal static class HardenReport
{
    /// <summary>The word of the wire; what could not be evaluated warns (operations.md 5.2).</summary>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Ok => "ok",
        Outcome.Fail => "fail",
        _ => "warn",
    };

    public static void Print(Terminal terminal, IReadOnlyList<CheckResult> results)
    {
        foreach (var (check, finding) in results)
        {
            var word = finding.Outcome == Outcome.NotEvaluated ? "—" : Word(finding.Outcome);
            terminal.Line($"{word,-5} {check.Id,-9} {check.Name}: {Scrubber.Scrub(finding.Detail)}");
            if (finding.Outcome is not (Outcome.Fail or Outcome.Warn)) continue;
            terminal.Line($"                Otherwise: {check.Consequence}.");
            terminal.Line($"                {check.Advice}");
        }

        terminal.Line();
        terminal.Line($"{Count(results, Outcome.Ok)} ok, {Count(results, Outcome.Warn)} warn, {Count(results, Outcome.Fail)} fail, {Count(results, Outcome.NotEvaluated)} not evaluated");
    }

    public static string Json(IReadOnlyList<CheckResult> results, bool strict)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("command", "harden");
            writer.WriteBoolean("passed", HardenCommand.IsPassed(results, strict));
            writer.WriteBoolean("strict", strict);
            writer.WriteStartObject("summary");
            writer.WriteNumber("ok", Count(results, Outcome.Ok));
            writer.WriteNumber("warn", Count(results, Outcome.Warn) + Count(results, Outcome.NotEvaluated));
            writer.WriteNumber("fail", Count(results, Outcome.Fail));
            writer.WriteNumber("not_evaluated", Count(results, Outcome.NotEvaluated));
            writer.WriteNumber("total", results.Count);
            writer.WriteEndObject();
            writer.WriteStartArray("checks");
            foreach (var result in results) Write(writer, result);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter writer, CheckResult result)
    {
        var (check, finding) = result;
        writer.WriteStartObject();
        writer.WriteString("id", check.Id);
        writer.WriteString("section", "hardening");
        writer.WriteString("check", check.Name);
        writer.WriteString("setting", check.Setting);
        writer.WriteString("expected", check.Expected);
        writer.WriteBoolean("required", check.Required);
        writer.WriteBoolean("before_traffic", check.BeforeTraffic);
        writer.WriteString("status", Word(finding.Outcome));
        writer.WriteBoolean("evaluated", finding.Outcome != Outcome.NotEvaluated);
        writer.WriteString("detail", Scrubber.Scrub(finding.Detail));
        writer.WriteString("consequence", check.Consequence);
        writer.WriteString("advice", check.Advice);
        writer.WriteEndObject();
    }

    private static int Count(IReadOnlyList<CheckResult> results, Outcome outcome) => results.Count(result => result.Finding.Outcome == outcome);
}
