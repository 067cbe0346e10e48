using Caracal.Coordinator.AdminAudit;
using Caracal.Coordinator.AgentServices;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Delegations;
using Caracal.Coordinator.Health;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Invocations;
using Caracal.Coordinator.Jobs;
using Caracal.Coordinator.Leases;
using Caracal.Coordinator.Outbox;
using Caracal.Coordinator.Requests;
using Caracal.Coordinator.Sessions;
using Caracal.Coordinator.Verification;
using Caracal.Hosting;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.AgentServices;
using Caracal.Storage.Delegations;
using Caracal.Storage.Idempotency;
using Caracal.Storage.Invocations;
using Caracal.Storage.Leases;
using Caracal.Storage.Outbox;
using Caracal.Storage.Sessions;
using Caracal.Streams;
using Caracal.Streams.Relay;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator;

/// <summary>Governed Sessions, leases and the delegation graph: every route, job and dependency (coordinator.md).</summary>
public sealed class CoordinatorService : IAsyncDisposable
{
    private readonly CoordinatorSettings _settings;
    private readonly CoordinatorDependencies _on;
    private readonly RoleServer _server;
    private readonly BackgroundTasks _tasks = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CoordinatorMetrics _metrics;
    private readonly CachedReadiness _readiness;
    private readonly HealthEndpoints _health;
    private readonly VerifyToken _verify;
    private readonly RequestPipeline _pipeline;
    private readonly AdminAuditTrail _trail;
    private readonly OutboxRelay _relay;
    private readonly LifecycleRelay _lifecycle;
    private readonly FetchedZoneKeys? _fetchedKeys;
    private readonly RecurringJob[] _jobs;
    private readonly Dictionary<string, Func<CancellationToken, Task>> _runs = new(StringComparer.Ordinal);

    public CoordinatorService(CoordinatorSettings settings, CoordinatorDependencies on)
    {
        _settings = settings;
        _on = on;
        _time = on.Clock.Process;
        _logger = on.Logging.CreateLogger("coordinator");
        _metrics = new CoordinatorMetrics(on.Logging as JsonLineLogging);
        _metrics.Registry.Include(on.StoreMetrics);
        var (database, clock) = (on.Database, on.Clock);

        // Stores: its own tables, and SELECT on four others (storage.md 2).
        var sessions = new SessionStore(database.Dialect);
        var (leases, delegations, epochs) = (new LeaseStore(), new DelegationStore(), new GraphEpochStore());
        var (services, invocations) = (new AgentServiceStore(), new InvocationStore());
        var (receiptStore, outboxCare, directory) = (new ReceiptStore(), new CoordinatorOutboxCare(), new CoordinatorDirectory(database.Dialect));

        // What several capabilities share.
        _trail = new AdminAuditTrail(settings, database, clock, _logger);
        var changes = new Changes(database, _trail);
        var limits = new RateLimits(on.State, _time);
        _fetchedKeys = on.ZoneKeys is null ? new FetchedZoneKeys(settings, on, _logger) : null;
        var verifier = new BearerVerifier(on.ZoneKeys ?? _fetchedKeys!.Keys, settings.IssuerUrl, _time);
        var authenticator = new Authenticator(settings, verifier, database, clock, directory, _logger);
        var announcements = new Announcements(new CoordinatorOutbox());
        var (sessionMessages, delegationMessages) = (new SessionMessages(announcements), new DelegationMessages(announcements));
        var ending = new SessionEnding(sessions, delegations, epochs, directory, announcements);
        var pausing = new SessionPausing(settings, sessions, sessionMessages);
        var receipts = new Receipts(settings, receiptStore, _metrics);

        // Sessions
        var start = new StartSession(
            settings, changes, clock, sessions, directory, receipts, new SubjectProof(verifier, _logger),
            new AuthorityInheritance(delegations, epochs, delegationMessages), sessionMessages);
        var read = new ReadSessions(database, sessions);
        var pause = new PauseSession(changes, clock, sessions, pausing);
        var terminate = new TerminateSession(changes, clock, sessions, ending);

        // Leases
        var leaseCalls = new LeaseCalls(sessions, directory, pausing, ending);
        var acquire = new AcquireLease(settings, changes, clock, leaseCalls, leases);
        var beat = new Heartbeat(settings, changes, clock, leaseCalls, leases, services);

        // Delegations
        var resources = new DelegatedResources(directory);
        var delegate_ = new CreateDelegation(changes, clock, sessions, delegations, epochs, resources, receipts, delegationMessages);
        var edges = new ReadDelegations(database, clock, sessions, delegations);
        var graph = new ReadGraph(database, clock, sessions, delegations);
        var revoke = new RevokeDelegation(changes, clock, delegations, ending);
        var requeue = new RequeueMessage(changes, clock, outboxCare);

        // Agent services and invocations
        var register = new RegisterService(changes, clock, directory, services);
        var registered = new ReadServices(database, services);
        var (invocationLimit, invocationMessages) = (new InvocationLimit(settings, limits), new InvocationMessages(announcements));
        var invoke = new CreateInvocation(
            changes, clock, sessions, services, invocations, receipts, invocationLimit, invocationMessages);
        var advance = new AdvanceInvocation(changes, clock, invocations, invocationLimit, invocationMessages);
        var invoked = new ReadInvocations(database, invocations);

        _pipeline = new RequestPipeline(settings, new RouteTable(
        [
            new("POST", "/zones/{zoneId}/agents", start.HandleAsync) { Issues = true },
            new("GET", "/zones/{zoneId}/agents", read.ListAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/agents/{id}", read.ReadAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/agents/{id}/children", read.ChildrenAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/agents/{id}/effective-authority", graph.EffectiveAuthorityAsync) { Operator = true },
            new("PATCH", "/zones/{zoneId}/agents/{id}/suspend", pause.SuspendAsync) { Operator = true },
            new("PATCH", "/zones/{zoneId}/agents/{id}/resume", pause.ResumeAsync) { Operator = true },
            new("DELETE", "/zones/{zoneId}/agents/{id}", terminate.HandleAsync) { Operator = true },
            new("POST", "/zones/{zoneId}/agents/{id}/lease", acquire.HandleAsync) { Issues = true },
            new("POST", "/zones/{zoneId}/agents/{id}/heartbeat", beat.HandleAsync) { Unaudited = true },
            new("POST", "/zones/{zoneId}/delegations", delegate_.HandleAsync) { Issues = true },
            new("GET", "/zones/{zoneId}/delegations/active", edges.ActiveAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/delegations/inbound/{sessionId}", edges.InboundAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/delegations/outbound/{sessionId}", edges.OutboundAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/delegations/inbound/{sessionId}/{id}", edges.InboundOneAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/delegations/{id}/traverse", graph.TraverseAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/delegations/{id}/impact", graph.ImpactAsync) { Operator = true },
            new("PATCH", "/zones/{zoneId}/delegations/{id}/revoke", revoke.HandleAsync) { Operator = true },
            new("POST", "/zones/{zoneId}/agent-services", register.HandleAsync),
            new("GET", "/zones/{zoneId}/agent-services", registered.ListAsync) { Operator = true },
            new("POST", "/zones/{zoneId}/invocations", invoke.HandleAsync),
            new("GET", "/zones/{zoneId}/invocations", invoked.ListAsync) { Operator = true },
            new("GET", "/zones/{zoneId}/invocations/{id}", invoked.ReadAsync),
            new("PATCH", "/zones/{zoneId}/invocations/{id}/start", advance.StartAsync),
            new("PATCH", "/zones/{zoneId}/invocations/{id}/cancel", advance.CancelAsync),
            new("PATCH", "/zones/{zoneId}/invocations/{id}/complete", advance.CompleteAsync),
            new("POST", "/zones/{zoneId}/outbox/{id}/requeue", requeue.HandleAsync) { Operator = true },
        ]), authenticator, limits, _trail, _metrics, clock, _logger);

        // Public routes
        var figures = new StoredFigures(database, clock, sessions, invocations, receiptStore, outboxCare, _metrics.Registry);
        _readiness = Readiness.Of(database, on.State, outboxCare, _time, _logger);
        _readiness.Show(_metrics.Registry);
        _health = new HealthEndpoints(settings, authenticator, limits, _readiness, figures, _metrics);
        _verify = new VerifyToken(settings, verifier, limits, _logger);

        // Jobs
        var outboxSettings = new OutboxSettings
        {
            PollInterval = settings.OutboxInterval,
            BatchSize = settings.OutboxBatchSize,
            MaximumAttempts = settings.OutboxMaximumAttempts,
        };
        _relay = new OutboxRelay(
            database, new CoordinatorOutboxQueue(database, outboxSettings), on.Streams, settings.StreamsKeys, clock, settings.StreamsMaximumLength)
        {
            Report = (topic, row, reason) => ServiceLog.OutboxPublishFailed(_logger, topic, row, reason),
            GivenUp = (topic, row) => ServiceLog.OutboxRowDead(_logger, topic, row),
        };
        _lifecycle = new LifecycleRelay(settings, on.Streams, on.State, _time, _metrics, _logger);
        var leadership = new SweepLeadership(database, _metrics);
        _jobs =
        [
            Job("ttl_sweep", settings.TtlSweepInterval, new TtlSweeper(settings, database, clock, sessions, ending, _metrics).RunAsync),
            Job("service_lease_sweep", settings.ServiceLeaseSweepInterval, new ServiceLeaseSweeper(settings, database, clock, sessions, pausing, _metrics).RunAsync),
            Job("invocation_deadline", settings.DeadlineSweepInterval, new DeadlineEnforcer(settings, database, clock, invocations, invocationMessages, _metrics).RunAsync),
            Job("retention_cleanup", settings.RetentionInterval, new RetentionCleaner(
                settings, database, clock, sessions, delegations, epochs, invocations, receiptStore, outboxCare, delegationMessages, _metrics).RunAsync),
        ];

        RecurringJob Job(string name, TimeSpan interval, Func<CancellationToken, Task> sweep) => Counted(name, interval, leadership.Led($"coordinator:{name}", sweep));

        _server = RoleServer.Create(
            new RoleServerOptions
            {
                Role = "coordinator",
                Listen = settings.Listen,
                Metrics = on.StoreMetrics,
                Keys = on.Keys,
                RequestIdRule = RequestIdRule.PathId,
                RequestIdHeader = "x-request-id",
                KeepAlive = settings.KeepAlive,
                ShutdownGrace = settings.ShutdownGrace,
            },
            on.Logging);
        MapRoutes(_server.Application);
    }

    /// <summary>The base address, known once started.</summary>
    public string Address => _server.Address;

    /// <summary>Makes sure of what it stands on, creates its stream group, starts the jobs, then listens.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        WarnOfMissingKeys();
        await _on.State.PingAsync(cancellationToken).AsTask().WaitAsync(_settings.ShutdownGrace, cancellationToken);
        await _on.Database.ReadAsync(SessionStore.ProbeAsync, cancellationToken).WaitAsync(_settings.ShutdownGrace, cancellationToken);
        await _lifecycle.Consumer.CreateGroupsAsync(cancellationToken);
        _tasks.Start(_trail.RunAsync);
        _tasks.Start(_relay.RunAsync);
        _tasks.Start(_lifecycle.Consumer.RunAsync);
        if (_fetchedKeys is not null)
        {
            await _fetchedKeys.StartAsync(_tasks, cancellationToken);
        }

        foreach (var job in _jobs)
        {
            _tasks.Start(stop => job.RunAsync(_time, _logger, stop));
        }

        await _server.StartAsync(cancellationToken);
        ServiceLog.Listening(_logger, "coordinator", Address);
    }

    /// <summary>Runs one job now, beside its interval.</summary>
    internal Task RunJobAsync(string name, CancellationToken cancellationToken) => _runs[name](cancellationToken);

    /// <summary>Not ready, then no requests, then no jobs.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _readiness.Draining = true;
        ServiceLog.ShuttingDown(_logger, "coordinator");
        await _server.StopAsync(cancellationToken);
        await _tasks.StopAsync(TimeSpan.FromSeconds(12));
        if (_fetchedKeys is not null)
        {
            await _fetchedKeys.RemoveGroupAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _tasks.DisposeAsync();
        _fetchedKeys?.Dispose();
    }

    private void MapRoutes(WebApplication application) => application.Run(context => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/health") => HealthEndpoints.HealthAsync(context),
        ("GET", "/ready") => _health.ReadyAsync(context),
        ("GET", "/metrics") => _pipeline.HandlePublicAsync(context, _health.MetricsAsync),
        ("GET", "/metrics.json") => _pipeline.HandlePublicAsync(context, _health.MetricsJsonAsync),
        ("GET", "/stats") => _pipeline.HandlePublicAsync(context, _health.StatisticsAsync),
        ("POST", "/v1/verify") => _pipeline.HandlePublicAsync(context, _verify.HandleAsync),
        _ => _pipeline.HandleAsync(context),
    });

    private RecurringJob Counted(string name, TimeSpan interval, Func<CancellationToken, Task> run)
    {
        _runs.Add(name, run);
        return new RecurringJob(name, interval, async stop =>
        {
            try
            {
                await run(stop);
            }
            catch (Exception) when (!stop.IsCancellationRequested)
            {
                _metrics.JobFailures.Add();
                throw;
            }
        });
    }

    private void WarnOfMissingKeys()
    {
        if (_settings.StreamsKeys is null)
        {
            CoordinatorLog.UnsignedStreams(_logger);
        }

        if (_settings.AuditKeys is null)
        {
            CoordinatorLog.UnsignedAudit(_logger);
        }
    }
}
