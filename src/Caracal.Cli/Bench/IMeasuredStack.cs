namespace Caracal.Cli.Bench;

/// <summary>The system that the benchmark drives: the processes that are measured, and the way in.</summary>
internal interface IMeasuredStack : IAsyncDisposable
{
    /// <summary>Base address of each role.</summary>
    IReadOnlyDictionary<string, string> Urls { get; }

    string AdminToken { get; }

    /// <summary>What metrics are read with.</summary>
    string MetricsToken { get; }

    /// <summary>Our processes by name; servers that are not ours are not measured.</summary>
    IReadOnlyList<(string Name, int Pid)> Processes { get; }
}
