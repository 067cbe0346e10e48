using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Doctor;

/// <summary><c>caracal doctor</c>: is it well, and if not, where (operations.md 5.1).</summary>
internal static class DoctorCommand
{
    public static Command Descriptor { get; } = new(
        "doctor", CommandGroup.Operations, "ask a deployment how it is, and what it lacks",
        """
        usage: caracal doctor [--zone ID] [--preflight-only] [--strict] [--json]

        Asks the running services, their stores and the operator's files. --preflight-only asks only
        what can be asked before anything runs. Exit 0 if nothing failed; with --strict only if all
        is ok. What could not be asked is a warning that says why. --zone asks of that zone only.
        Addresses: CARACAL_API_URL, CARACAL_STS_URL, CARACAL_GATEWAY_URL, CARACAL_AUDIT_URL,
        CARACAL_COORDINATOR_URL; else the stack that `caracal up` started; else localhost.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("zone", "preflight-only", "strict", "json");
        if (context.Arguments.Operands.Count > 0) throw new CommandFailure($"unknown argument '{context.Arguments.Operands[0]}'");
        var preflight = context.Arguments.IsOn("preflight-only");
        var strict = context.Arguments.IsOn("strict");
        await using var deployment = new Deployment(context.Variables, TimeProvider.System) { Zone = context.Arguments.Value("zone") };
        var results = new List<DoctorResult>();
        foreach (var check in preflight ? DoctorChecks.BeforeStart : DoctorChecks.System)
        {
            results.Add(new DoctorResult(check, await Inspection.RunAsync(check.InspectAsync, deployment, context.Stop)));
        }

        if (context.Json) context.Terminal.Write(Json(deployment, results, preflight, strict));
        else Print(context.Terminal, results);
        return IsReady(results, strict) ? 0 : 1;
    }

    private static bool IsReady(List<DoctorResult> results, bool strict) => results.Count > 0
        && results.All(result => result.Finding.Outcome == Outcome.Ok || (!strict && result.Finding.Outcome != Outcome.Fail));

    private static void Print(Terminal terminal, List<DoctorResult> results)
    {
        foreach (var section in results.GroupBy(result => result.Check.Section))
        {
            terminal.Line(section.Key);
            foreach (var (check, finding) in section)
            {
                terminal.Line($"  {HardenReport.Word(finding.Outcome),-5} {check.Name}: {Scrubber.Scrub(finding.Detail)}");
                if (finding.Outcome is Outcome.Fail or Outcome.Warn) terminal.Line($"        {check.Advice}");
            }
        }
    }

    private static string Json(Deployment deployment, List<DoctorResult> results, bool preflight, bool strict)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("command", "doctor");
            writer.WriteString("mode", preflight ? "preflight" : "system");
            writer.WriteBoolean("ready", IsReady(results, strict));
            writer.WriteBoolean("strict", strict);
            writer.WriteStartObject("context");
            writer.WriteString("apiUrl", deployment.Services.Find("api")?.ToString().TrimEnd('/'));
            writer.WriteString("zoneScope", preflight ? "none" : deployment.Zone is null ? "all" : "selected");
            writer.WriteStartArray("zoneIds");
            if (!preflight && deployment.Zone is { } zone) writer.WriteStringValue(zone);
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteStartObject("summary");
            foreach (var word in (ReadOnlySpan<string>)["ok", "warn", "fail"])
            {
                writer.WriteNumber(word, results.Count(result => HardenReport.Word(result.Finding.Outcome) == word));
            }

            writer.WriteNumber("total", results.Count);
            writer.WriteEndObject();
            writer.WriteStartArray("checks");
            foreach (var (check, finding) in results)
            {
                writer.WriteStartObject();
                writer.WriteString("section", check.Section);
                writer.WriteString("check", check.Name);
                writer.WriteString("status", HardenReport.Word(finding.Outcome));
                writer.WriteString("detail", Scrubber.Scrub(finding.Detail));
                if (finding.Outcome != Outcome.Ok) writer.WriteString("advice", check.Advice);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
