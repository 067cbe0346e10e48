using Caracal.Cli.Processes;
using Caracal.Cli.Servers;
using Caracal.Stack;

namespace Caracal.Cli.Bench;

/// <summary>The measured system in separate processes over a PostgreSQL and a Redis of its own.</summary>
internal sealed class FleetStack(LocalFleet fleet) : IMeasuredStack
{
    public IReadOnlyDictionary<string, string> Urls { get; } =
        StackRoles.All.ToDictionary(role => role, role => fleet.Find(role).Url, StringComparer.Ordinal);

    public PrivateStack Files => fleet.Files;

    public string AdminToken => fleet.Files.AdminToken;

    public IReadOnlyDictionary<string, string?> Administrator { get; } = new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["DATABASE_URL"] = fleet.Postgres.Url(LocalFleet.DatabaseName),
        ["REDIS_URL"] = fleet.Redis.Url,
    };

    public string MetricsToken => fleet.Files.MetricsToken;

    public IReadOnlyList<(string Name, int Pid)> Processes { get; } = [.. fleet.Services.Select(service => (service.Role, service.Pid))];

    public static async Task<FleetStack> StartAsync(CancellationToken stop, IReadOnlyDictionary<string, string?>? settings = null, string? folder = null) =>
        new(await LocalFleet.StartAsync(replicas: 1, settings ?? BenchStack.Limits, stop, folder: folder));

    public ValueTask DisposeAsync() => fleet.DisposeAsync();
}
