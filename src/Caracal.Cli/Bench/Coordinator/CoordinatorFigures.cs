using System.Globalization;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Bench.Coordinator;

/// <summary>What one size of the zone costs, in milliseconds.</summary>
/// <param name="Sessions">Sessions in the zone.</param>
/// <param name="ReadMilliseconds">Median of <c>effective-authority</c> at the end of a chain of ten delegations.</param>
/// <param name="CycleMilliseconds">Median of starting and ending one Session.</param>
internal sealed record SizeFigures(int Sessions, double ReadMilliseconds, double CycleMilliseconds);

/// <summary>What <c>caracal bench coordinator</c> measured.</summary>
internal sealed record CoordinatorFigures
{
    public required double CyclesPerSecond { get; init; }
    public required double CycleCpuMicroseconds { get; init; }
    public required double DelegationsPerSecond { get; init; }
    public required double RevokeMilliseconds { get; init; }
    public required IReadOnlyList<SizeFigures> Sizes { get; init; }
    public required long Errors { get; init; }
    public string? FirstError { get; init; }

    private double ReadGrowth => Sizes[^1].ReadMilliseconds / Sizes[^2].ReadMilliseconds;

    private double CycleGrowth => Sizes[^1].CycleMilliseconds / Sizes[^2].CycleMilliseconds;

    public string ToJsonLine() => string.Create(CultureInfo.InvariantCulture,
        $$"""{"session_cycles_per_second":{{CyclesPerSecond:0.0}},"delegations_per_second":{{DelegationsPerSecond:0.0}},"revoke_10k_ms":{{RevokeMilliseconds:0.0}},"growth_1k_to_100k":{{ReadGrowth:0.000}},"cycle_growth_1k_to_100k":{{CycleGrowth:0.000}},"cpu_us_per_cycle":{{CycleCpuMicroseconds:0.0}},"sizes":[{{string.Join(',', Sizes.Select(Json))}}],"errors":{{Errors}}}""");

    public void Print(Terminal terminal)
    {
        terminal.Table(
            ["session cycles/s", "cpu us/cycle", "delegations/s", "revoke of 10,000 ms", "growth of reads", "growth of cycles", "errors"],
            [
                [
                    Number(CyclesPerSecond, "0"), Number(CycleCpuMicroseconds, "0"), Number(DelegationsPerSecond, "0"), Number(RevokeMilliseconds, "0"),
                    Number(ReadGrowth, "0.00"), Number(CycleGrowth, "0.00"), $"{Errors}",
                ],
            ]);
        terminal.Table(
            ["sessions in the zone", "effective-authority p50 ms", "session cycle p50 ms"],
            [.. Sizes.Select(size => (string[])[$"{size.Sessions}", Number(size.ReadMilliseconds, "0.000"), Number(size.CycleMilliseconds, "0.000")])]);
        if (FirstError is not null) terminal.Error($"first error: {FirstError}");
    }

    private static string Json(SizeFigures size) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"sessions":{{size.Sessions}},"effective_authority_p50_ms":{{size.ReadMilliseconds:0.000}},"session_cycle_p50_ms":{{size.CycleMilliseconds:0.000}}}""");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
