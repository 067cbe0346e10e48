using System.Globalization;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench;

/// <summary>What one process used while it was measured.</summary>
internal sealed record ProcessUse(string Name, double CpuMicroseconds, double ResidentMegabytes);

/// <summary>What a run measured.</summary>
internal sealed record BenchResult
{
    public required double CallsPerSecond { get; init; }
    public required double P50Milliseconds { get; init; }
    public required double P99Milliseconds { get; init; }
    public required long Calls { get; init; }
    public required long Errors { get; init; }
    public required double CpuMicrosecondsPerCall { get; init; }
    /// <summary>Of the largest process.</summary>
    public required double ResidentMegabytes { get; init; }

    /// <summary>Each process for itself.</summary>
    public IReadOnlyList<ProcessUse> Processes { get; init; } = [];

    /// <summary>The first refusal or fault, for people.</summary>
    public string? FirstError { get; init; }

    public string ToJsonLine() => string.Create(CultureInfo.InvariantCulture,
        $$"""{"calls_per_second":{{CallsPerSecond:0.0}},"p50_ms":{{P50Milliseconds:0.000}},"p99_ms":{{P99Milliseconds:0.000}},"errors":{{Errors}},"cpu_us_per_call":{{CpuMicrosecondsPerCall:0.0}},"rss_mb":{{ResidentMegabytes:0.0}}}""");

    public void Print(Terminal terminal)
    {
        terminal.Table(
            ["calls", "calls/s", "p50 ms", "p99 ms", "errors", "cpu us/call", "rss MB"],
            [
                [
                    $"{Calls}", Number(CallsPerSecond, "0"), Number(P50Milliseconds, "0.00"), Number(P99Milliseconds, "0.00"), $"{Errors}",
                    Number(CpuMicrosecondsPerCall, "0"), Number(ResidentMegabytes, "0"),
                ],
            ]);
        if (Processes.Count > 1)
        {
            terminal.Table(
                ["process", "cpu us/call", "rss MB"],
                [.. Processes.Select(process => (string[])
                    [process.Name, Number(process.CpuMicroseconds / Math.Max(1, Calls), "0"), Number(process.ResidentMegabytes, "0")])]);
        }

        if (FirstError is not null) terminal.Error($"first error: {FirstError}");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
