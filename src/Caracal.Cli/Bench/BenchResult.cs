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

    /// <summary>Bytes that the measured process allocated per call.</summary>
    public required double AllocatedBytesPerCall { get; init; }

    /// <summary>True when a call was a mint and nothing more.</summary>
    public bool MintsOnly { get; init; }

    /// <summary>Calls per second of one core that does nothing else.</summary>
    private double PerCore => CpuMicrosecondsPerCall > 0 ? 1_000_000 / CpuMicrosecondsPerCall : 0;

    /// <summary>The first refusal or fault, for people.</summary>
    public string? FirstError { get; init; }

    public string ToJsonLine() => MintsOnly ? ToMintLine() : string.Create(CultureInfo.InvariantCulture,
        $$"""{"calls_per_second":{{CallsPerSecond:0.0}},"p50_ms":{{P50Milliseconds:0.000}},"p99_ms":{{P99Milliseconds:0.000}},"errors":{{Errors}},"cpu_us_per_call":{{CpuMicrosecondsPerCall:0.0}},"rss_mb":{{ResidentMegabytes:0.0}}}""");

    private string ToMintLine() => string.Create(CultureInfo.InvariantCulture,
        $$"""{"mints_per_second_per_core":{{PerCore:0.0}},"p99_ms":{{P99Milliseconds:0.000}},"bytes_per_mint":{{AllocatedBytesPerCall:0}},"errors":{{Errors}},"mints_per_second":{{CallsPerSecond:0.0}},"p50_ms":{{P50Milliseconds:0.000}},"cpu_us_per_mint":{{CpuMicrosecondsPerCall:0.0}},"rss_mb":{{ResidentMegabytes:0.0}}}""");

    public void Print(Terminal terminal)
    {
        if (MintsOnly)
        {
            PrintMints(terminal);
            return;
        }

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

    private void PrintMints(Terminal terminal)
    {
        terminal.Table(
            ["mints", "mints/s", "mints/s per core", "p50 ms", "p99 ms", "errors", "cpu us/mint", "bytes/mint", "rss MB"],
            [
                [
                    $"{Calls}", Number(CallsPerSecond, "0"), Number(PerCore, "0"), Number(P50Milliseconds, "0.00"), Number(P99Milliseconds, "0.00"),
                    $"{Errors}", Number(CpuMicrosecondsPerCall, "0"), Number(AllocatedBytesPerCall, "0"), Number(ResidentMegabytes, "0"),
                ],
            ]);
        if (FirstError is not null) terminal.Error($"first error: {FirstError}");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
