using Caracal.Cli.Servers;

namespace Caracal.EndToEnd.Drills;

/// <summary>One system for all tests of <see cref="KeyRotationDrill"/>: each leaves it as it found it.</summary>
public sealed class KeyRotationFleet : IAsyncLifetime
{
    private static readonly Dictionary<string, string?> Settings = new(StringComparer.Ordinal)
    {
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
        ["STS_MINT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["STS_CLIENT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["SECRETS_RELOAD_SECONDS"] = "1",
        ["ROTATION_PROBE_INTERVAL_MS"] = "100",
    };

    private LocalFleet? _processes;

    internal LocalFleet Processes => _processes!;

    public async ValueTask InitializeAsync() => _processes = await LocalFleet.StartAsync(replicas: 1, Settings, CancellationToken.None);

    public ValueTask DisposeAsync() => _processes?.DisposeAsync() ?? ValueTask.CompletedTask;
}
