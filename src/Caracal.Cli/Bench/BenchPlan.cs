namespace Caracal.Cli.Bench;

/// <summary>What a run does.</summary>
internal sealed record BenchPlan
{
    public required int Callers { get; init; }
    public required int Seconds { get; init; }
    public required int WarmupSeconds { get; init; }

    /// <summary>True for separate processes over PostgreSQL and Redis; false for one process on the embedded store.</summary>
    public bool Separate { get; init; }

    /// <summary>True measures the mint alone: nothing is spent at the Gateway.</summary>
    public bool MintsOnly { get; init; }

    public string? RecordFile { get; init; }
    public string? Home { get; init; }
}
