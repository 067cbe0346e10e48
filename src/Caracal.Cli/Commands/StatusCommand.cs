using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal status [--ready] [--all] [--json]</c> (cli.md 5).</summary>
internal static class StatusCommand
{
    public static Command Descriptor { get; } = new(
        "status", CommandGroup.Stack, "ask every service how it is",
        """
        usage: caracal status [--ready] [--all] [--json]

        Probes /health of the five services, or /ready with --ready; with --all the console too.
        Exit 0 only if all are well.
        Addresses: CARACAL_API_URL, CARACAL_STS_URL, CARACAL_GATEWAY_URL, CARACAL_AUDIT_URL,
        CARACAL_COORDINATOR_URL; else the stack that `caracal up` started; else localhost.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("ready", "all", "json");
        ModeVariable.Read(context.Variables);
        var ready = context.Arguments.IsOn("ready");
        var record = StackRecord.Read(context.Paths.StackRecord);
        var services = ServiceUrls.Resolve(context.Variables, record is { Process.IsRunning: true } ? record : null, context.Arguments.IsOn("all"));
        var results = await ServiceProbe.ProbeAsync(services, ready, context.Stop);
        if (context.Json)
        {
            context.Terminal.Write(Json(results, ready));
        }
        else
        {
            Print(context.Terminal, results, ready);
        }

        return results.All(result => result.Ok) ? 0 : 1;
    }

    private static void Print(Terminal terminal, ProbeResult[] results, bool ready)
    {
        terminal.Banner($"Caracal {BuildInfo.Current.Version}");
        var mode = ready ? "ready" : "health";
        terminal.Line($"{"service",-12} {"port",-5} {"mode",-6} {"status",-7} detail");
        foreach (var result in results)
        {
            var status = terminal.Mark(result.Ok) + (result.Ok ? " ok  " : " down");
            terminal.Line($"{result.Service.Name,-12} {result.Service.Port,-5} {mode,-6} {status}  {result.Detail}");
        }
    }

    private static string Json(ProbeResult[] results, bool ready)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("mode", ready ? "ready" : "health");
            writer.WriteStartArray("services");
            foreach (var result in results)
            {
                writer.WriteStartObject();
                writer.WriteString("name", result.Service.Name);
                writer.WriteNumber("port", result.Service.Port);
                writer.WriteString("url", result.Url);
                writer.WriteBoolean("ok", result.Ok);
                writer.WriteString("detail", result.Detail);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
