using Caracal.Audit;
using Caracal.Console;
using Caracal.ControlPlane;
using Caracal.Coordinator;
using Caracal.Gateway;
using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Keys;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Stack.Hardening;
using Caracal.Stack.Instances;
using Caracal.Stack.Stores;
using Caracal.Stack.Tracing;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sqlite;
using Caracal.Streams.Relay;
using Caracal.Sts;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>The roles of one process, and how each is put together from its stores and from the roles beside it.</summary>
internal sealed class StackParts(StackOptions options, JsonLineLogging logging) : IAsyncDisposable
{
    private const long StreamLength = 100_000;

    private readonly Journals _journals = new(options.Time);
    private readonly TraceExport _traces = new();
    private RoleSettings? _settings;
    private AuditService? _audit;
    private StsService? _sts;
    private ApiRegister? _consoleRegister;

    /// <summary>What the roles stand on; known once <see cref="Build"/> has returned.</summary>
    public StackStores? Stores { get; private set; }

    public TimeProvider Time => options.Time;

    /// <summary>What keeps the key rings of the roles up to date.</summary>
    public IReadOnlyList<SecretReload> Reloads { get; private set; } = [];

    /// <summary>What tells that the roles live and which keys they hold.</summary>
    public IReadOnlyList<KeyHeartbeat> Heartbeats { get; private set; } = [];

    /// <summary>Builds the roles in the order in which they start; throws when any setting of any role is wrong.</summary>
    public IReadOnlyList<HostedRole> Build(RoleSettings settings)
    {
        _settings = settings;

        // All settings first: a refused start names the faults of every role, and has opened nothing.
        var stores = ReadStores(settings);
        var auditSettings = Read(StackRoles.Audit, AuditSettings.Read);
        var stsSettings = Read(StackRoles.Sts, StsSettings.Read);
        var coordinatorSettings = Read(StackRoles.Coordinator, CoordinatorSettings.Read);
        var controlPlaneSettings = Read(StackRoles.Api, ControlPlaneSettings.Read);
        var gatewaySettings = Read(StackRoles.Gateway, GatewaySettings.Read);
        var consoleSettings = Read(StackRoles.Console, ConsoleSettings.Read);
        var watchEvery = options.Roles.Contains(StackRoles.Api) ? ReadWatch(settings.For(StackRoles.Api)) : TimeSpan.Zero;
        var traced = options.Roles.Select(role => (Role: role, Settings: TraceSettings.Read(settings.For(role)))).ToList();
        Reloads = settings.Reloads(options.Time);
        settings.ThrowIfFaulty();
        foreach (var (role, read) in traced)
        {
            if (read is not null) _traces.Add(role, options.Version, read);
        }

        var isEmbedded = stores.Count == 0 && StackRoles.Services.All(options.Roles.Contains);
        Stores = isEmbedded ? Embed() : new ServerStores(stores, options.Time, Logger("stack"));

        _consoleRegister = consoleSettings is null ? null : new ApiRegister(consoleSettings, Logger(StackRoles.Console));
        Heartbeats =
        [
            .. Reloads.Where(reload => options.Roles.Contains(reload.Role))
                .Select(reload => new KeyHeartbeat(RegisterOf(reload.Role), options.Time, reload, settings.For(reload.Role).Mode, options.Version)),
        ];
        foreach (var reload in Reloads.Where(reload => StackRoles.Services.Contains(reload.Role))) KeyMetrics.Show(Stores.For(reload.Role).Metrics, reload);
        foreach (var role in options.Roles.Where(StackRoles.Services.Contains))
        {
            Stores.For(role).Metrics.Gauge($"caracal_build_info{{version=\"{options.Version}\",sha=\"{options.Revision}\"}}", () => 1);
        }

        var roles = new List<HostedRole>();
        if (auditSettings is not null) roles.Add(BuildAudit(auditSettings));
        if (stsSettings is not null) roles.Add(BuildSts(stsSettings, settings));
        if (coordinatorSettings is not null) roles.Add(BuildCoordinator(coordinatorSettings));
        if (controlPlaneSettings is not null) roles.Add(BuildControlPlane(controlPlaneSettings, watchEvery));
        if (gatewaySettings is not null) roles.Add(BuildGateway(gatewaySettings, settings));
        if (consoleSettings is not null) roles.Add(BuildConsole(consoleSettings));
        return roles;

        T? Read<T>(string role, Func<SettingsReader, T?> read)
            where T : class => options.Roles.Contains(role) ? read(settings.For(role)) : null;
    }

    private IInstanceRegister RegisterOf(string role) => role == StackRoles.Console ? _consoleRegister! : new StoreRegister(Stores!.For(role));

    // 0, the default, looks at nothing.
    private static TimeSpan ReadWatch(SettingsReader reader) => TimeSpan.FromSeconds(reader.Integer("HARDENING_WATCH_SECONDS", 0, 0, 86_400));

    public Task FlushAsync(CancellationToken cancellationToken) => _journals.FlushAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _journals.DisposeAsync();
        if (Stores is not null)
        {
            await Stores.DisposeAsync();
        }

        _consoleRegister?.Dispose();
        _traces.Dispose();
    }

    // Empty means embedded, which is one process with every service (operations.md 2.4), or a console alone.
    private Dictionary<string, StoreSettings> ReadStores(RoleSettings settings)
    {
        var mayEmbed = StackRoles.Services.All(options.Roles.Contains);
        var servers = new Dictionary<string, StoreSettings>(StringComparer.Ordinal);
        var embedded = new List<string>();
        foreach (var role in options.Roles.Where(StackRoles.Services.Contains))
        {
            var before = settings.For(role).Faults.Count;
            if (StoreSettings.Read(settings.For(role), mayEmbed) is { } stores) servers[role] = stores;
            else if (settings.For(role).Faults.Count == before) embedded.Add(role);
        }

        // A role that fell back to the file while others use servers would keep a truth of its own.
        foreach (var role in servers.Count > 0 ? embedded : [])
        {
            settings.For(role).Fault("DATABASE_URL and REDIS_URL are required: other roles of this process have theirs");
        }

        return servers;
    }

    private EmbeddedStores Embed() => new(
        new SqliteDatabase(CaracalStack.DatabasePath(options.DataDirectory), options.Time),
        CaracalStack.DeadLetterPath(options.DataDirectory), () => _audit!.JournalSink, options.Time, Logger("stack"));

    private HostedRole BuildAudit(AuditSettings read)
    {
        var on = Stores!.For(StackRoles.Audit);
        _audit = new AuditService(read, on.Database, on.Clock, on.Streams, on.State, Logger(StackRoles.Audit), on.Metrics);
        return HostedRole.Served(_audit.ServerOptions with { Keys = Report(StackRoles.Audit, read.MetricsToken) }, on.Metrics, logging, _audit.MapRoutes, _audit.StartAsync, _audit.StopAsync, _audit.DisposeAsync);
    }

    private HostedRole BuildSts(StsSettings read, RoleSettings settings)
    {
        var on = Stores!.For(StackRoles.Sts);
        _sts = new StsService(
            read,
            new StsDependencies
            {
                Database = on.Database,
                Clock = on.Clock,
                Outbox = new EventOutbox(),
                Streams = on.Streams,
                State = on.State,
                Leases = on.Leases,
                Audit = OpenJournal(StackRoles.Sts, settings, read.AuditKeys),
                Http = options.Outbound,
                Logger = Logger(StackRoles.Sts),
                StoreMetrics = on.Metrics,
            });
        return HostedRole.Served(
            StsService.ServerOptions(read) with { Keys = Report(StackRoles.Sts, read.MetricsToken) }, on.Metrics, logging, _sts.MapRoutes, _sts.StartAsync, _sts.StopAsync, _sts.DisposeAsync);
    }

    private HostedRole BuildCoordinator(CoordinatorSettings read)
    {
        var on = Stores!.For(StackRoles.Coordinator);
        var coordinator = new CoordinatorService(
            read,
            new CoordinatorDependencies
            {
                Database = on.Database,
                Clock = on.Clock,
                Streams = on.Streams,
                State = on.State,
                ZoneKeys = _sts?.ZoneKeys,
                StoreMetrics = on.Metrics,
                Keys = Report(StackRoles.Coordinator, read.MetricsBearer),
                Logging = logging,
            });
        return new HostedRole
        {
            Role = StackRoles.Coordinator,
            Listen = read.Listen,
            StartAsync = async cancellationToken =>
            {
                await coordinator.StartAsync(cancellationToken);
                return coordinator.Address;
            },
            DrainAsync = () => coordinator.StopAsync(CancellationToken.None),
            EndAsync = async () => await coordinator.DisposeAsync(),
        };
    }

    private HostedRole BuildControlPlane(ControlPlaneSettings read, TimeSpan watchEvery)
    {
        var log = Logger(StackRoles.Api);
        var on = Stores!.For(StackRoles.Api);
        var service = new ControlPlaneService(
            read,
            new ControlPlaneDependencies
            {
                Database = on.Database,
                Clock = on.Clock,
                State = on.State,
                Buckets = on.Buckets,
                Streams = on.Streams,
                ZoneKeys = _sts?.ZoneKeys,
                Http = options.Outbound,
                Log = log,
                Lines = logging,
                StoreMetrics = on.Metrics,
            });
        var relay = new OutboxRelay(
            on.Database, new EventOutboxQueue(on.Database, ServiceInstance.Id, new OutboxSettings()), on.Streams, read.StreamKeys, on.Clock, StreamLength)
        {
            Report = (topic, row, error) => ServiceLog.OutboxPublishFailed(log, topic, row, error),
            GivenUp = (topic, row) => ServiceLog.OutboxRowDead(log, topic, row),
        };
        var tasks = new BackgroundTasks();
        var watch = new DriftWatch(options.Inspect, watchEvery, new DriftRecord(Path.Combine(options.DataDirectory, "hardening.json")), on, log);
        return HostedRole.Served(
            service.ServerOptions with { Keys = Report(StackRoles.Api, read.MetricsBearer) },
            on.Metrics,
            logging,
            service.MapRoutes,
            async cancellationToken =>
            {
                tasks.Start(relay.RunAsync);
                await service.StartAsync(cancellationToken);
                tasks.Start(watch.RunAsync);
            },
            async () =>
            {
                await service.StopAsync();
                await tasks.DisposeAsync();
            },
            service.DisposeAsync);
    }

    private HostedRole BuildGateway(GatewaySettings read, RoleSettings settings)
    {
        var on = Stores!.For(StackRoles.Gateway);
        var gateway = new GatewayService(
            read,
            new GatewayDependencies
            {
                Database = on.Database,
                Clock = on.Clock,
                Streams = on.Streams,
                State = on.State,
                Trail = OpenJournal(StackRoles.Gateway, settings, read.AuditKeys),
                Log = Logger(StackRoles.Gateway),
                StoreMetrics = on.Metrics,
                Exchange = _sts?.Exchange,
                ZoneKeys = _sts?.ZoneKeys,
            });
        return HostedRole.Served(
            gateway.ServerOptions with { Keys = Report(StackRoles.Gateway, read.MetricsToken) }, on.Metrics, logging, gateway.MapRoutes, gateway.StartAsync, gateway.StopAsync, gateway.DisposeAsync);
    }

    private HostedRole BuildConsole(ConsoleSettings read)
    {
        var console = new ConsoleService(read, options.Time);
        KeyMetrics.Show(console.Metrics, Reloads.First(reload => reload.Role == StackRoles.Console));
        return HostedRole.Served(
            console.ServerOptions with { Keys = Report(StackRoles.Console, read.MetricsToken) }, console.Metrics, logging, console.MapRoutes, _ => Task.CompletedTask, () => Task.CompletedTask,
            () =>
            {
                console.Dispose();
                return ValueTask.CompletedTask;
            });
    }

    private Evidence.Trail.AuditTrail OpenJournal(string role, RoleSettings settings, HmacKeyRing? keys) =>
        _journals.Open(settings.For(role), Stores!.SinkFor(role, keys), Logger(role));

    private KeyReport Report(string role, TokenRing? bearer)
    {
        var secrets = Reloads.First(reload => reload.Role == role);
        var reader = _settings!.For(role);
        var access = new MetricsAccess(bearer, reader.Mode);
        return new KeyReport(role, access, () => secrets.Held) { Posture = new PostureReport(reader, options.Version, access, () => secrets.Held) };
    }

    private ILogger Logger(string role) => logging.CreateLogger(role);
}
