using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Applications;
using Caracal.ControlPlane.Control;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.ControlPlane.NotificationSinks;
using Caracal.ControlPlane.OpenApi;
using Caracal.ControlPlane.Operations;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.PolicyReplays;
using Caracal.ControlPlane.PolicyRuntime;
using Caracal.ControlPlane.ProviderCredentials;
using Caracal.ControlPlane.Providers;
using Caracal.ControlPlane.Rotations;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.ControlPlane.ZoneKeys;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage.Custody;
using Caracal.Storage.Outbox;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane;

/// <summary>The control plane's API on one page: what it is made of, what runs, its routes stand in <see cref="ControlPlaneRoutes"/> (api.md).</summary>
public sealed class ControlPlaneService : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(4);

    private readonly ControlPlaneSettings _settings;
    private readonly ControlPlaneDependencies _given;
    private readonly IPolicyRuntime? _policies;
    private readonly HttpClient? _http;
    private readonly CustodyFigures _custodyFigures;
    private readonly Changes _changes;
    private readonly RateLimits _limits;
    private readonly DeploymentTokens _tokens;
    private readonly AdminAuthentication _authentication;
    private readonly ZoneAccess _access;
    private readonly EndAuthority _endAuthority;
    private readonly ApplicationArchive _archive;
    private readonly ControlPlanePipeline _pipeline;
    private readonly ApiReadiness _readiness;
    private readonly OperationsRoutes _operations;
    private readonly SelfTestSealedValues _sealedValues;
    private readonly ConsoleReports _consoles;
    private readonly OutboundHttp _outbound;
    private readonly NotificationDispatcher _notifications;
    private readonly ReplayRuns _replays;
    private readonly InstanceProbes _probes;
    private readonly ObserveCredentials _credentials;
    private readonly RotationController? _schedule;
    private readonly ControlPlugin? _control;
    private readonly Lazy<byte[]> _openApi;
    private readonly BackgroundTasks _tasks = new();

    public ControlPlaneService(ControlPlaneSettings settings, ControlPlaneDependencies given)
    {
        _settings = settings;
        _given = given;
        _http = given.Policies is null && settings.GatewayStsKeys is not null ? NewHttpClient(settings) : null;
        _policies = given.Policies
            ?? (_http is null ? null : new SignedPolicyRuntime(_http, settings.StsUrl, settings.GatewayStsKeys!, given.Clock.Process));
        var metrics = new MetricsRegistry();
        metrics.Include(given.StoreMetrics);
        LogFigures.Show(metrics, given.Lines);
        _custodyFigures = new CustodyFigures(metrics);
        _changes = new Changes(given.Database, given.Clock, new EventOutbox(), settings.AuditKeys, given.Log);
        _limits = new RateLimits(settings, given.State, given.Clock.Process);
        _tokens = new DeploymentTokens(given.Database, settings.AdminToken, given.Clock);
        _authentication = new AdminAuthentication(given.Database, given.Clock, given.State, settings, _tokens);
        _access = new ZoneAccess(given.Database, given.Clock, settings);
        _endAuthority = new EndAuthority(_changes);
        _archive = new ApplicationArchive(_endAuthority);
        var sinks = new SinkPlaces(settings);
        _outbound = new OutboundHttp(settings, given.Http, given.Clock.Process);
        _notifications = new NotificationDispatcher(given.Database, given.Clock, settings, sinks);
        _replays = new ReplayRuns(new PolicyReplay(given.Database, settings), given.State, given.Clock, given.Log);
        _credentials = new ObserveCredentials(
            new CredentialSteps(_changes), new CredentialSlots(new SecretCustody(_changes, settings.Keks, _custodyFigures)),
            new CredentialCounts(given.State),
            new CredentialTrial(new ProviderCheck(_outbound, given.Clock), new CredentialCanary(_outbound, given.Clock)), given.Clock, metrics.Counter("caracal_api_provider_credential_fallbacks_total"), given.Log);
        _probes = new InstanceProbes(settings, given.Clock.Process);
        var rotations = RotationSteps.Of(_changes, settings, given.Clock, _probes);
        metrics.Gauge("caracal_api_is_rotation_leader", () => _schedule?.IsLeader == true ? 1 : 0);
        _schedule = settings.RotationSchedule is { } scheduled ? NewSchedule(scheduled, rotations) : null;
        var routes = new ControlPlaneRoutes(new RouteParts
        {
            Settings = settings,
            Changes = _changes,
            Clock = given.Clock,
            State = given.State,
            Custody = new SecretCustody(_changes, settings.Keks, _custodyFigures),
            Limits = _limits,
            Authentication = _authentication,
            Access = _access,
            EndAuthority = _endAuthority,
            Archive = _archive,
            Outbound = _outbound,
            Sinks = sinks,
            Replays = _replays,
            Rotations = rotations,
            Policies = _policies,
        }).All();
        _control = settings.Control is { } control ? new ControlPlugin(settings, control, given, routes, _authentication, _access, _changes) : null;
        Routes = _control is null ? routes : [.. routes, _control.Route];
        _openApi = new Lazy<byte[]>(() => OpenApiDocument.Of(Routes));
        _pipeline = new ControlPlanePipeline(
            settings, new Router(Routes), _limits, _authentication, _access, _changes, given.Clock,
            new AuthenticationFailures(metrics.Counter("caracal_api_authentication_failures_total"), given.Clock.Process, given.Log), given.Log);
        _sealedValues = new SelfTestSealedValues(given.Database, settings.Keks, new MetricsAccess(settings.MetricsBearer, settings.Mode));
        _consoles = new ConsoleReports(given.Database, given.Clock, settings.ConsoleReportToken);
        _readiness = new ApiReadiness(given.Database, given.State, settings.ReadyDeadMaximum, given.Clock.Process, given.Log);
        _readiness.Checks.Show(metrics);
        _operations = new OperationsRoutes(
            settings, given.Database, given.Clock, _readiness, _limits, metrics, new OutboxGauges(metrics),
            new KeyGauges(metrics, settings.RotationSchedule));
    }

    /// <summary>Every route under <c>/v1/</c>.</summary>
    internal IReadOnlyList<Route> Routes { get; }

    /// <summary>Tells sinks what happened to approvals; runs as a job.</summary>
    internal NotificationDispatcher Notifications => _notifications;

    /// <summary>Takes refused credentials out of use; runs as a job.</summary>
    internal ObserveCredentials Credentials => _credentials;

    /// <summary>Rotates keys by age; null when that is off.</summary>
    internal RotationController? Schedule => _schedule;

    /// <summary>How this role listens.</summary>
    public RoleServerOptions ServerOptions => new()
    {
        Role = ControlPlaneSettings.Role,
        Listen = _settings.Listen,
        RequestIdRule = RequestIdRule.PathId,
        RequestIdHeader = "x-request-id",
        KeepAlive = _settings.KeepAlive,
        ShutdownGrace = _settings.ShutdownGrace,
    };

    /// <summary>Checks the KEK, seeds the deployment tokens and starts the jobs; the role listens afterwards.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await KekCanary.PlantAsync(_given.Database, _settings.Keks, _given.Clock.Now, cancellationToken);
        if (!await KekCanary.OpensAsync(_given.Database, _settings.Keks, cancellationToken)) throw new InvalidOperationException(KekCanary.Fault);
        await _tokens.FollowAsync(cancellationToken);
        if (_control is not null) await _control.StartAsync(_tasks, cancellationToken);
        var following = new RecurringJob("deployment-tokens", DeploymentTokens.Interval, _tokens.FollowAsync);
        _tasks.Start(stopping => following.RunAsync(_given.Clock.Process, _given.Log, stopping));
        var sweep = new RecurringJob("kek-sweep", KekSweep.Interval, new KekSweep(_given.Database, _given.Clock, _settings).RunAsync);
        _tasks.Start(stopping => sweep.RunAsync(_given.Clock.Process, _given.Log, stopping));
        var observe = new RecurringJob("credential-observer", ObserveCredentials.Interval, _credentials.RunAsync);
        _tasks.Start(stopping => observe.RunAsync(_given.Clock.Process, _given.Log, stopping));
        if (_schedule is not null) _tasks.Start(_schedule.RunAsync);
        foreach (var job in new ControlPlaneJobs(_given.Database, _given.Clock, _archive, _notifications, _settings).All())
        {
            _tasks.Start(stopping => job.RunAsync(_given.Clock.Process, _given.Log, stopping));
        }
    }

    public void MapRoutes(WebApplication application) => application.Run(context => context.Request.Path.Value switch
    {
        "/health" when IsLook(context) => OperationsRoutes.HealthAsync(context),
        "/ready" when IsLook(context) => _operations.ReadyAsync(context),
        "/metrics" or "/api/metrics" when IsLook(context) => _operations.MetricsAsync(context),
        "/metrics.json" when IsLook(context) => _operations.MetricsJsonAsync(context),
        ConsoleReports.Path when HttpMethods.IsPost(context.Request.Method) => _consoles.HandleAsync(context),
        SelfTestSealedValues.Path when HttpMethods.IsPost(context.Request.Method) => _sealedValues.HandleAsync(context),
        SelfTestControl.Path when _control is not null && HttpMethods.IsPost(context.Request.Method) => _control.SelfTest.HandleAsync(context),
        "/openapi.json" when IsLook(context) => WriteOpenApiAsync(context),
        { } path when path.StartsWith("/v1/", StringComparison.Ordinal) => _pipeline.HandleAsync(context),
        _ => AnswerWriter.WriteAsync(context, ControlPlanePipeline.UnknownRoute(context, context.Request.Path.Value ?? "/")),
    });

    public async Task StopAsync()
    {
        _readiness.Checks.Draining = true;
        await _tasks.StopAsync(StopLimit);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _tasks.DisposeAsync();
        if (_control is not null) await _control.DisposeAsync();
        _limits.Dispose();
        await _replays.DisposeAsync();
        _notifications.Dispose();
        _probes.Dispose();
        _outbound.Dispose();
        _http?.Dispose();
    }

    // What the API takes and gives is no secret, and a client is generated before it has a token.
    private Task WriteOpenApiAsync(HttpContext context)
    {
        var document = _openApi.Value;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = document.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(document, context.RequestAborted).AsTask();
    }

    private static bool IsLook(HttpContext context) => context.Request.Method is "GET" or "HEAD";

    private RotationController NewSchedule(ScheduleSettings schedule, RotationSteps rotations)
    {
        var (database, clock) = (_given.Database, _given.Clock);
        var calls = new ScheduleCalls(clock);
        var material = new ScheduledMaterial(schedule, clock.Process, _settings.Keks);
        return new RotationController(
            schedule, _changes, clock, material,
            new ScheduledRun(rotations, calls, material, new ScheduledDoors(_probes), schedule, _settings, _changes),
            new ScheduledZoneKeys(new RotateZoneKey(_changes, new ZoneKeyMint(_settings.Keks), _endAuthority), new RetireZoneKey(_changes), calls, database, _given.Log),
            _given.Log);
    }

    private static HttpClient NewHttpClient(ControlPlaneSettings settings) =>
        new(StsHttp.Handler(settings.Authorities))
        {
            Timeout = settings.RequestTimeout,
        };
}
