using Caracal.Audit;
using Caracal.ControlPlane;
using Caracal.Coordinator;
using Caracal.Gateway;
using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Outbox;
using Caracal.Streams.InProcess;
using Caracal.Streams.Relay;
using Caracal.Streams.State;
using Caracal.Sts;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>What the roles of one process share, and how each is put together from it.</summary>
internal sealed class StackParts(Database database, TimeProvider time, JsonLineLogging logging) : IAsyncDisposable
{
    private const long StreamLength = 100_000;

    private readonly InProcessStreams _streams = new(time);
    private readonly InProcessState _state = new(time);
    private Journals? _journals;
    private HmacKeyRing? _streamKeys;

    public Database Database { get; } = database;

    public DatabaseClock Clock { get; } = new(database, time);

    /// <summary>Embedded means one process with every role; external stores are another composition (operations.md 2.4).</summary>
    public static void RefuseExternalStores(RoleSettings settings, IReadOnlyDictionary<string, string?> variables)
    {
        foreach (var name in (ReadOnlySpan<string>)["DATABASE_URL", "REDIS_URL"])
        {
            if (!string.IsNullOrEmpty(variables.GetValueOrDefault(name)) || !string.IsNullOrEmpty(variables.GetValueOrDefault(name + "_FILE")))
            {
                settings.For(StackRoles.Audit).Fault($"{name} is set, but this build runs on the embedded store only; unset it");
            }
        }
    }

    /// <summary>Builds the roles in the order in which they start; throws when any setting of any role is wrong.</summary>
    public IReadOnlyList<HostedRole> Build(RoleSettings settings)
    {
        // All settings first: a refused start names the faults of every role, and has opened nothing.
        var auditSettings = AuditSettings.Read(settings.For(StackRoles.Audit));
        var stsSettings = StsSettings.Read(settings.For(StackRoles.Sts));
        var coordinatorSettings = CoordinatorSettings.Read(settings.For(StackRoles.Coordinator));
        var gatewaySettings = GatewaySettings.Read(settings.For(StackRoles.Gateway));
        var controlPlaneSettings = ControlPlaneSettings.Read(settings.For(StackRoles.Api));
        settings.ThrowIfFaulty();

        var audit = new AuditService(auditSettings, Database, Clock, _streams, _state, Logger(StackRoles.Audit));
        _journals = new Journals(audit.JournalSink, time);
        _streamKeys = auditSettings.StreamKeys;
        var sts = BuildSts(stsSettings!, settings);
        return
        [
            HostedRole.Served(audit.ServerOptions, logging, audit.MapRoutes, audit.StartAsync, audit.StopAsync, audit.DisposeAsync),
            HostedRole.Served(StsService.ServerOptions(stsSettings!), logging, sts.MapRoutes, sts.StartAsync, sts.StopAsync, sts.DisposeAsync),
            BuildCoordinator(coordinatorSettings, sts),
            BuildControlPlane(controlPlaneSettings),
            BuildGateway(gatewaySettings, settings, sts),
        ];
    }

    public Task FlushAsync(CancellationToken cancellationToken) => _journals?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_journals is not null)
        {
            await _journals.DisposeAsync();
        }

        _state.Dispose();
        await Database.DisposeAsync();
    }

    private StsService BuildSts(StsSettings read, RoleSettings settings) => new(
        read,
        new StsDependencies
        {
            Database = Database,
            Clock = Clock,
            Outbox = new EventOutbox(),
            Streams = _streams,
            State = _state,
            Leases = _state,
            Audit = _journals!.Open(settings.For(StackRoles.Sts), Logger(StackRoles.Sts)),
            Logger = Logger(StackRoles.Sts),
        });

    private HostedRole BuildCoordinator(CoordinatorSettings read, StsService sts)
    {
        var coordinator = new CoordinatorService(
            read,
            new CoordinatorDependencies
            {
                Database = Database,
                Clock = Clock,
                Streams = _streams,
                State = _state,
                ZoneKeys = sts.ZoneKeys,
                Logging = logging,
            });
        return new HostedRole
        {
            Role = StackRoles.Coordinator,
            StartAsync = async cancellationToken =>
            {
                await coordinator.StartAsync(cancellationToken);
                return coordinator.Address;
            },
            DrainAsync = () => coordinator.StopAsync(CancellationToken.None),
            EndAsync = async () => await coordinator.DisposeAsync(),
        };
    }

    private HostedRole BuildControlPlane(ControlPlaneSettings read)
    {
        var log = Logger(StackRoles.Api);
        var service = new ControlPlaneService(
            read, new ControlPlaneDependencies { Database = Database, Clock = Clock, State = _state, Log = log });
        var relay = new OutboxRelay(
            Database, new EventOutboxQueue(Database, ServiceInstance.Id, new OutboxSettings()), _streams, _streamKeys, Clock, StreamLength)
        {
            Report = (topic, row, error) => ServiceLog.OutboxPublishFailed(log, topic, row, error),
        };
        var tasks = new BackgroundTasks();
        return HostedRole.Served(
            service.ServerOptions,
            logging,
            service.MapRoutes,
            async cancellationToken =>
            {
                tasks.Start(relay.RunAsync);
                await service.StartAsync(cancellationToken);
            },
            async () =>
            {
                await service.StopAsync();
                await tasks.DisposeAsync();
            },
            service.DisposeAsync);
    }

    private HostedRole BuildGateway(GatewaySettings read, RoleSettings settings, StsService sts)
    {
        var gateway = new GatewayService(
            read,
            new GatewayDependencies
            {
                Database = Database,
                Clock = Clock,
                Streams = _streams,
                State = _state,
                Trail = _journals!.Open(settings.For(StackRoles.Gateway), Logger(StackRoles.Gateway)),
                Log = Logger(StackRoles.Gateway),
                Exchange = sts.Exchange,
                ZoneKeys = sts.ZoneKeys,
            });
        return HostedRole.Served(
            gateway.ServerOptions, logging, gateway.MapRoutes, gateway.StartAsync, gateway.StopAsync, gateway.DisposeAsync);
    }

    private ILogger Logger(string role) => logging.CreateLogger(role);
}
