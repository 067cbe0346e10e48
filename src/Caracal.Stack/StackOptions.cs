using Caracal.Stack.Hardening;

namespace Caracal.Stack;

/// <summary>What a stack is made of.</summary>
public sealed record StackOptions
{
    /// <summary>The environment every role reads its settings from.</summary>
    public required IReadOnlyDictionary<string, string?> Variables { get; init; }

    /// <summary>Folder of <c>caracal.db</c>, <c>journal/&lt;role&gt;/</c> and <c>dead-letters/</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The roles this process plays.</summary>
    public IReadOnlyList<string> Roles { get; init; } = StackRoles.All;

    /// <summary>Where log lines go.</summary>
    public required TextWriter Log { get; init; }

    /// <summary>Build version, for logs.</summary>
    public string Version { get; init; } = "dev";

    /// <summary>Short commit id of the build.</summary>
    public string Revision { get; init; } = "local";

    /// <summary>Runs every hardening check, for the elected API to look again and again; null where there are none.</summary>
    public Func<CancellationToken, Task<IReadOnlyList<InspectedCheck>>>? Inspect { get; init; }

    /// <summary>How the API and the STS reach places that administrators named; guarded clients of their own when null.</summary>
    public HttpMessageInvoker? Outbound { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
