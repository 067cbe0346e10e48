using System.Collections.Immutable;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>
/// The roles of one process over the embedded store or over servers: the composition that the executable, the tests, the
/// benchmarks and the demo share. Starts in order, drains in the opposite order.
/// </summary>
public sealed class CaracalStack : IAsyncDisposable
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(4);

    private readonly ILogger _logger;
    private readonly StackParts _parts;
    private readonly BackgroundTasks _tasks = new();
    private readonly List<HostedRole> _running = [];
    private SecretWatch? _watch;
    private bool _stopped;

    private CaracalStack(StackParts parts, ILogger logger)
    {
        _parts = parts;
        _logger = logger;
    }

    /// <summary>The base address of each role, without a trailing slash.</summary>
    public IReadOnlyDictionary<string, string> Urls { get; private set; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Path of the embedded store inside a data folder.</summary>
    public static string DatabasePath(string dataDirectory) => Path.Combine(dataDirectory, "caracal.db");

    /// <summary>Path of the embedded store's refused evidence inside a data folder.</summary>
    public static string DeadLetterPath(string dataDirectory) => Path.Combine(dataDirectory, "dead-letters");

    /// <summary>Reads the settings, migrates the store, starts every role and returns when all of them listen.</summary>
    /// <exception cref="Hosting.Settings.SettingsException">The configuration must not start.</exception>
    public static async Task<CaracalStack> StartAsync(StackOptions options, CancellationToken cancellationToken)
    {
        var variables = StackEnvironment.Complete(options);
        var level = LogLevels.Parse(variables.GetValueOrDefault("LOG_LEVEL"));
        var logging = new JsonLineLogging(
            options.Log, level, options.Version, variables.GetValueOrDefault("CARACAL_ENV") ?? "development");
        var logger = logging.CreateLogger("stack");
        var settings = new RoleSettings(variables);
        var parts = new StackParts(options, logging);
        var stack = new CaracalStack(parts, logger);
        try
        {
            var roles = parts.Build(settings);
            await stack.StartAsync(roles, settings, logging, cancellationToken);
            return stack;
        }
        catch (Exception fault)
        {
            if (fault is Hosting.Settings.SettingsException refused) StackLog.ConfigurationRefused(logger, refused.Faults);
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends when every event recorded so far is in the ledger.</summary>
    public Task FlushEvidenceAsync(CancellationToken cancellationToken) => _parts.FlushAsync(cancellationToken);

    /// <summary>Stops accepting, lets requests finish, ships the evidence, then closes the stores.</summary>
    public async Task StopAsync()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;

        // The console's farewell goes to the API, which may stop in a moment.
        if (_parts.Heartbeats.FirstOrDefault(heartbeat => heartbeat.Role == StackRoles.Console) is { } console) await console.EndAsync();

        // The door closes first: whoever is inside may finish, and still finds every service it needs.
        foreach (var role in Enumerable.Reverse(_running))
        {
            await role.DrainAsync();
            StackLog.StepCompleted(_logger, $"{role.Role} requests");
        }

        await FlushWithinLimitAsync();
        foreach (var role in Enumerable.Reverse(_running))
        {
            await role.EndAsync();
        }

        _watch?.Dispose();
        await _tasks.DisposeAsync();
        foreach (var heartbeat in _parts.Heartbeats)
        {
            await heartbeat.EndAsync();
        }

        await _parts.DisposeAsync();
        StackLog.StepCompleted(_logger, "stores");
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync(
        IReadOnlyList<HostedRole> roles, RoleSettings settings, JsonLineLogging logging, CancellationToken cancellationToken)
    {
        foreach (var (role, warning) in settings.Warnings)
        {
            StackLog.SettingsWarning(_logger, role, warning);
        }

        await using (var room = new WaitingRoom(roles, logging))
        {
            await _parts.Stores!.PrepareAsync(reason => room.TellAsync(reason, cancellationToken), cancellationToken);
        }

        _tasks.Start(_parts.Stores.TendAsync);
        foreach (var heartbeat in _parts.Heartbeats.Where(heartbeat => heartbeat.Role != StackRoles.Console))
        {
            await heartbeat.GuardAsync(_logger, cancellationToken);
        }

        _watch = new SecretWatch(_parts.Reloads, _logger);
        foreach (var reload in _parts.Reloads)
        {
            _tasks.Start(stopping => reload.RunAsync(_parts.Time, _logger, stopping));
        }

        var urls = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var role in roles)
        {
            _running.Add(role);
            var heartbeat = _parts.Heartbeats.First(heartbeat => heartbeat.Role == role.Role);

            // It asks the API, which may be one of those that were started before it.
            if (role.Role == StackRoles.Console) await heartbeat.GuardAsync(_logger, cancellationToken);
            urls[role.Role] = await role.StartAsync(cancellationToken);
            heartbeat.Listening(settings.For(role.Role).Text("CARACAL_INSTANCE_URL") ?? Reachable(urls[role.Role], role.Listen.Host));
            _tasks.Start(heartbeat.RunAsync);
        }

        Urls = urls.ToImmutable();
    }

    // Whoever listens everywhere is found by the name of the machine, which is the name of the container or pod.
    private static string Reachable(string address, string host) =>
        host is "0.0.0.0" or "::" or "[::]" ? new UriBuilder(address) { Host = Environment.MachineName }.Uri.GetLeftPart(UriPartial.Authority) : address;

    private async Task FlushWithinLimitAsync()
    {
        using var limit = new CancellationTokenSource(FlushLimit);
        try
        {
            await _parts.FlushAsync(limit.Token);
            StackLog.StepCompleted(_logger, "evidence");
        }
        catch (OperationCanceledException)
        {
            // What is left is in the journals; the next start ships it.
        }
    }
}
