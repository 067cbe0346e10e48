using Caracal.Egress;
using Caracal.Gateway.Admission;
using Caracal.Gateway.Budgets;
using Caracal.Gateway.Evidence;
using Caracal.Gateway.Exchange;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Mandates;
using Caracal.Gateway.Operations;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.Upstream;
using Caracal.Gateway.WebSockets;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Revocations;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway;

/// <summary>The Gateway on one page: what it is made of, what runs, what it answers (gateway.md Part A).</summary>
public sealed class GatewayService : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(30);

    private readonly DatabaseClock _clock;
    private readonly IStreamTransport _streams;
    private readonly ILogger _log;
    private readonly RevocationState _revocations;
    private readonly RevocationSnapshot _snapshot;
    private readonly List<StreamConsumer> _consumers = [];
    private readonly KeyInvalidations _keyInvalidations = new(GatewaySettings.Role, ServiceInstance.Id);
    private readonly GatewayPipeline _pipeline;
    private readonly OperatorRoutes _operator;
    private readonly SelfTests _selfTests;
    private readonly SelfTestExchange _selfTestExchange;
    private readonly BackgroundTasks _tasks = new();
    private readonly List<IDisposable> _owned = [];

    public GatewayService(GatewaySettings settings, GatewayDependencies given)
    {
        _clock = given.Clock;
        _streams = given.Streams;
        _log = given.Log;
        var registry = new MetricsRegistry();
        registry.Include(given.StoreMetrics);
        var metrics = new GatewayMetrics(registry);
        _revocations = new RevocationState(_clock.Process);
        _snapshot = new RevocationSnapshot(new RevocationSnapshotStore(given.Database), _revocations, _clock, metrics, _log);
        var revocationStream = new RevocationStream(
            _streams, given.State, settings.StreamKeys, _revocations, metrics, _clock.Process, _log);
        _consumers.Add(revocationStream.Consumer);
        var exchange = given.Exchange ?? Own(new SignedHttpExchange(settings.StsUrl, settings.StsTimeout, settings.StsKeys, settings.Authorities, _clock.Process));
        var circuit = new StsCircuit(_clock.Process);
        var receipts = settings.GivesReceipts ? new CallReceipts(settings.AuditKeys) : null;
        var evidence = new CallEvidence(given.Trail, () => _clock.Now, receipts);
        var policy = new EgressPolicy(settings.AllowPrivateUpstreams, settings.PrivateEgressHosts, settings.UpstreamHostAllowlist);
        var guard = new EgressGuard(policy, new SystemHostResolver(), _clock.Process);
        var live = new LiveAnswers(_revocations);
        var sockets = new RelaySocket(live, settings, _clock.Process);
        var parts = new GatewayParts
        {
            Settings = settings,
            Revocations = _revocations,
            LiveAnswers = live,
            Sockets = sockets,
            ZoneKeys = given.ZoneKeys ?? CacheZoneKeys(settings, given, metrics),
            State = given.State,
            Exchange = exchange,
            Circuit = circuit,
            Budgets = new DelegationBudgets(new DelegationBudgetStore(given.Database), _log),
            Guard = guard,
            Http = Own(new GuardedHttp(guard, new GuardedHttpOptions())),
            Targets = new UpstreamTargets(),
            Evidence = evidence,
            Receipts = receipts,
            Metrics = metrics,
            Log = _log,
        };
        var lines = new CallLog(_log, settings);
        _pipeline = new GatewayPipeline(
            GatewaySteps.InOrder(parts), metrics, new RefusalAnswer(metrics, evidence, new DenialSampling(_clock.Process), lines, _log), lines);
        GatewayGauges.Register(registry, _revocations, revocationStream.Consumer.Figures, circuit, given.Trail, sockets);
        var readiness = GatewayReadiness.Of(given.Database, given.State, _revocations, given.Trail, exchange, _clock.Process, _log);
        readiness.Show(registry);
        _operator = new OperatorRoutes(
            readiness, registry, new MetricsAccess(settings.MetricsToken, settings.Mode), settings.AdminToken, _snapshot, _revocations);
        _selfTestExchange = Own(new SelfTestExchange(settings, new MetricsAccess(settings.MetricsToken, settings.Mode), _clock.Process));
        _selfTests = new SelfTests(parts.ZoneKeys, guard, new MetricsAccess(settings.MetricsToken, settings.Mode));
        ServerOptions = new RoleServerOptions
        {
            Role = GatewaySettings.Role,
            Listen = settings.Listen,
            Metrics = registry,
            RequestIdRule = RequestIdRule.Gateway,
            MaximumBodySize = null, // counted by the pipeline: early before step 12, late while forwarding
            HeaderTimeout = settings.ReadHeaderTimeout,
            KeepAlive = settings.IdleTimeout,
            ShutdownGrace = TimeSpan.FromSeconds(14),
            MapsRoutes = false,
        };
    }

    internal IReadOnlyList<IGatewayStep> Steps => _pipeline.Steps;

    /// <summary>How this service listens.</summary>
    public RoleServerOptions ServerOptions { get; }

    /// <summary>Everything that is not one of the Gateway's own routes is a governed call.</summary>
    public void MapRoutes(WebApplication application) => application.Run(HandleAsync);

    /// <summary>Groups first, then the snapshot, so that no revocation falls between; either failing stops the start.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var consumer in _consumers)
        {
            await consumer.CreateGroupsAsync(cancellationToken);
        }

        await _snapshot.ReloadAsync(cancellationToken);
        _consumers.ForEach(consumer => _tasks.Start(consumer.RunAsync));
        Every("revocation-snapshot", RevocationSnapshot.Interval, _snapshot.ReloadAsync);
        Every("revocation-prune", PruneInterval, PruneAsync);
    }

    /// <summary>Ends the loops and takes this instance's groups away. The server and the trail are stopped by whoever owns them.</summary>
    public async Task StopAsync()
    {
        await _tasks.StopAsync(StopLimit);
        try
        {
            await RevocationStream.RemoveGroupsAsync(_streams, CancellationToken.None);
            await _keyInvalidations.RemoveGroupAsync(_streams, CancellationToken.None);
        }
        catch (StreamsUnavailableException)
        {
            // Groups of instances that are gone are swept (operations.md 8).
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _tasks.DisposeAsync();
        _owned.ForEach(part => part.Dispose());
    }

    // Routed by the raw target: the framework's path has its dot segments removed, and "/x/../health" must not be /health.
    private Task HandleAsync(HttpContext http)
    {
        var target = RequestTarget.Parse(http.Features.Get<IHttpRequestFeature>()!.RawTarget);
        return target.Path switch
        {
            "/health" => OperatorRoutes.HealthAsync(http),
            "/ready" => _operator.ReadyAsync(http),
            "/metrics" => _operator.MetricsAsync(http),
            "/metrics.json" => _operator.MetricsJsonAsync(http),
            SignedStsCall.SelfTestPath when HttpMethods.IsPost(http.Request.Method) => _selfTestExchange.HandleAsync(http),
            "/internal/revocations/reload" when HttpMethods.IsPost(http.Request.Method) => _operator.ReloadAsync(http),
            _ when HttpMethods.IsGet(http.Request.Method) && AnchorIn(target.Path) is { } anchor => _operator.AnchorAsync(http, anchor),
            _ when _selfTests.Find(http.Request, target.Path) is { } test => test(http),
            _ => ProxyAsync(http, target),
        };
    }

    private static string? AnchorIn(string path)
    {
        const string Route = "/internal/revocations/";
        var anchor = path.StartsWith(Route, StringComparison.Ordinal) ? path[Route.Length..] : "";
        return anchor != "reload" && Ids.IsPathId(anchor) ? anchor : null;
    }

    private async Task ProxyAsync(HttpContext http, RequestTarget target)
    {
        await using var call = new GatewayCall(http, target, http.RequestId(), _clock.Now);
        await _pipeline.RunAsync(call);
        if (call.Grant is not null) Spans.Current?.SetTag("caracal.zone_id", call.Claims.ZoneId).SetTag("caracal.application_id", call.Claims.ClientId).SetTag("caracal.resource", call.Resource);
    }

    private ZoneKeyCache CacheZoneKeys(GatewaySettings settings, GatewayDependencies given, GatewayMetrics metrics)
    {
        var cache = Own(new ZoneKeyCache(
            new JwksSource(settings.StsUrl, settings.StsTimeout, settings.Authorities),
            cause =>
            {
                metrics.Count(GatewayCounter.JwksFetchErrors);
                GatewayLog.JwksUnavailable(_log, cause);
            },
            _clock.Process));
        _consumers.Add(_keyInvalidations.Read(
            _streams, given.State, settings.StreamKeys, cache.Drop, _clock.Process,
            (topic, id, reason) => ServiceLog.StreamMessageRefused(_log, topic, id, reason)));
        return cache;
    }

    private Task PruneAsync(CancellationToken cancellationToken)
    {
        _revocations.Prune();
        return Task.CompletedTask;
    }

    private void Every(string name, TimeSpan interval, Func<CancellationToken, Task> run)
    {
        var job = new RecurringJob(name, interval, run);
        _tasks.Start(token => job.RunAsync(_clock.Process, _log, token));
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Add(part);
        return part;
    }
}
