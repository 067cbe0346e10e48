using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench;

/// <summary>The system that the benchmark drives: the processes that are measured, and the way in.</summary>
internal interface IMeasuredStack : IAsyncDisposable
{
    /// <summary>Base address of each role.</summary>
    IReadOnlyDictionary<string, string> Urls { get; }

    /// <summary>Its folder and variables.</summary>
    PrivateStack Files { get; }

    string AdminToken { get; }

    /// <summary>How an administrator enters its stores; empty for the embedded one.</summary>
    IReadOnlyDictionary<string, string?> Administrator => new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Opens every role's <c>/metrics</c>.</summary>
    string MetricsToken { get; }

    /// <summary>Our processes by name; servers that are not ours are not measured.</summary>
    IReadOnlyList<(string Name, int Pid)> Processes { get; }
}
