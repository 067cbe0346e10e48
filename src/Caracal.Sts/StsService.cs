using Caracal.Egress;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Caracal.Storage.Approvals;
using Caracal.Storage.Custody;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.SigningKeys;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Approvals;
using Caracal.Sts.Audit;
using Caracal.Sts.Consumers;
using Caracal.Sts.Federation;
using Caracal.Sts.Health;
using Caracal.Sts.Jwks;
using Caracal.Sts.OAuth;
using Caracal.Sts.Policies;
using Caracal.Sts.PolicyShadows;
using Caracal.Sts.Providers;
using Caracal.Sts.RateLimits;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Upstreams;
using Caracal.Sts.Workloads;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts;

/// <summary>The STS on one page: every route, job and dependency (sts.md 1).</summary>
public sealed class StsService : IAsyncDisposable
{
    private static readonly string[] Get = ["GET", "HEAD"];
    private static readonly string[] Post = ["POST"];

    private readonly StsSettings _settings;
    private readonly StsDependencies _on;
    private readonly BackgroundTasks _tasks = new();
    private readonly GuardedHttp _egress;
    private readonly ZoneStates _zones;
    private readonly ZoneKeyring _keyring;
    private readonly ExchangeLimits _limits;
    private readonly AuthorityRecordInsertion _records;
    private readonly HoldStore _holds;
    private readonly ShadowPolicies _shadows;
    private readonly StsConsumers _consumers;
    private readonly ShowAcknowledgement _acknowledged;
    private readonly TokenEndpoint _token;
    private readonly JwksEndpoint _jwks;
    private readonly ApprovalStatus _approvals;
    private readonly SelfTestKeys _selfTest;
    private readonly SignSample _sample;
    private readonly AnswerPing _ping;
    private readonly OAuthEndpoints _oauth;
    private readonly DecideApproval _decide;
    private readonly RunEndpoints _run;
    private readonly RotateSigningKey _rotate;
    private readonly SimulatePolicy _simulate;
    private readonly PolicyStatus _policyStatus;
    private readonly HealthEndpoints _health;

    public StsService(StsSettings settings, StsDependencies dependencies)
    {
        _settings = settings;
        _on = dependencies;
        var time = _on.Clock.Process;
        _egress = OpenEgress(settings, time);
        var registry = new MetricsRegistry();
        registry.Include(_on.StoreMetrics);
        var metrics = new StsMetrics(registry);
        var figures = new PolicyFigures();
        var store = new ZoneConfigurationStore(_on.Database);
        var policies = new PolicyLoader(store, figures, settings.CustomRego, time, _on.Logger);
        _keyring = new ZoneKeyring(new SigningKeyStore(_on.Database, _on.Outbox), settings.Kek, _on.Clock, metrics, _on.Logger);
        _zones = new ZoneStates(store, policies, _keyring, time);
        _limits = new ExchangeLimits(_on.State, settings, store);
        var facts = new ExchangeFactsMemory(_on.Database);
        _records = new AuthorityRecordInsertion(_on.Database, facts, time);
        _holds = new HoldStore(_on.Database);
        var canaries = new CanaryAcknowledgements();
        _acknowledged = new ShowAcknowledgement(canaries, new MetricsAccess(settings.MetricsToken, settings.Mode));
        _consumers = new StsConsumers(
            _on.Streams, _on.State, settings, _zones, new RevocationWriter(_on.Database), canaries, _on.Clock, _on.Logger);
        _shadows = new ShadowPolicies(
            new PolicyLoader(store, new PolicyFigures(), settings.CustomRego, time, _on.Logger), _on.State, _on.Leases, _on.Clock, _on.Logger);
        var parts = BuildParts(store, facts, metrics);
        var spine = new TokenExchangeSpine(parts);
        _selfTest = new SelfTestKeys(
            new SigningKeyStore(_on.Database, _on.Outbox), _keyring, new MetricsAccess(settings.MetricsToken, settings.Mode));
        _sample = new SignSample(_zones, _on.Clock, new MetricsAccess(settings.MetricsToken, settings.Mode));
        _ping = new AnswerPing(settings, _on.State, _on.Clock);
        _oauth = OAuthEndpoints.Create(parts, _on);
        _decide = new DecideApproval(parts, new HoldDecisionStore(_on.Database, _on.Outbox), new DecisionAudit(settings.AuditKeys));
        _run = RunEndpoints.Create(parts, _on);
        _token = new TokenEndpoint(spine, _shadows, metrics);
        _jwks = new JwksEndpoint(_zones, _keyring);
        _approvals = new ApprovalStatus(_holds, _on.Database, _on.Clock);
        _rotate = new RotateSigningKey(settings, _keyring, _on.State, _on.Clock);
        _simulate = new SimulatePolicy(settings, _on.State, _on.Clock);
        _policyStatus = new PolicyStatus(settings, _zones, _on.State, _on.Clock);
        metrics.Observe(_shadows.Figures);
        metrics.Observe(_on.Audit, figures, _zones.OldestPolicyAge, settings.PolicyPoll);
        var readiness = StsReadiness.Of(_on.Database, _on.State, _on.Audit, () => _consumers.AreReady, settings.Kek, time, _on.Logger);
        readiness.Show(registry);
        _health = new HealthEndpoints(
            readiness, _on.Audit, metrics.Registry, new MetricsAccess(settings.MetricsToken, settings.Mode), figures, _zones.OldestPolicyAge,
            settings.PolicyPoll);
        Exchange = new InProcessExchange(spine, _shadows, metrics);
        ZoneKeys = new StsZoneKeys(_zones);
    }

    /// <summary>The Gateway's exchange for a Gateway in the same process.</summary>
    public IGatewayExchange Exchange { get; }

    /// <summary>Verification keys for services in the same process.</summary>
    public IZoneKeys ZoneKeys { get; }

    /// <summary>Candidates asked beside active sets.</summary>
    internal ShadowPolicies Shadows => _shadows;

    /// <summary>What the role's HTTP server must be created with (sts.md 1). Handlers count their own bodies: their limits differ.</summary>
    public static RoleServerOptions ServerOptions(StsSettings settings) => new()
    {
        Role = StsSettings.Role,
        Listen = settings.Listen,
        RequestIdRule = RequestIdRule.Visible,
        MaximumBodySize = null,
    };

    public void MapRoutes(WebApplication application)
    {
        // The endpoint answers every method itself: a wrong one is 405 with the error envelope.
        application.Map("/oauth/2/token", (RequestDelegate)_token.HandleAsync);
        application.Map("/oauth/2/introspect", (RequestDelegate)_oauth.Introspect.HandleAsync);
        application.Map("/oauth/2/revoke", (RequestDelegate)_oauth.Revoke.HandleAsync);
        application.MapMethods("/.well-known/oauth-authorization-server", Get, (RequestDelegate)_oauth.Metadata.HandleAsync);
        application.MapMethods("/.well-known/oauth-authorization-server/{zoneId}", Get, (RequestDelegate)_oauth.Metadata.HandleAsync);
        application.MapMethods("/.well-known/jwks.json", Get, (RequestDelegate)_jwks.HandleAsync);
        application.MapMethods("/approvals/{id}", Get, (RequestDelegate)_approvals.HandleAsync);
        application.MapMethods("/step-up/{id}", Get, (RequestDelegate)_approvals.HandleAsync);
        application.MapMethods("/approvals/{id}/decision", Post, (RequestDelegate)_decide.HandleAsync);
        application.MapMethods("/step-up/{id}/decision", Post, (RequestDelegate)_decide.HandleAsync);
        application.Map("/v1/run/manifest", (RequestDelegate)_run.Manifest.HandleAsync);
        application.Map("/v1/run/credential", (RequestDelegate)_run.Credential.HandleAsync);
        application.MapMethods("/health", Get, (RequestDelegate)_health.HealthAsync);
        application.MapMethods("/ready", Get, (RequestDelegate)_health.ReadyAsync);
        application.MapMethods("/metrics", Get, (RequestDelegate)_health.MetricsTextAsync);
        application.MapMethods("/metrics.json", Get, (RequestDelegate)_health.MetricsJsonAsync);
        application.MapMethods("/internal/keys/selftest", Post, (RequestDelegate)_selfTest.HandleAsync);
        application.MapMethods("/internal/keys/sample/{zoneId}", Post, (RequestDelegate)_sample.HandleAsync);
        application.MapMethods("/internal/revocations/{anchor}", Get, (RequestDelegate)_acknowledged.HandleAsync);
        application.MapMethods(SignedStsCall.PingPath, Post, (RequestDelegate)_ping.HandleAsync);
        application.MapMethods("/internal/policy/simulate", Post, (RequestDelegate)_simulate.HandleAsync);
        application.MapMethods("/internal/policy/status/{zoneId}", Get, (RequestDelegate)_policyStatus.HandleAsync);
        application.MapMethods("/internal/zones/{zoneId}/signing-key/rotate", Post, (RequestDelegate)_rotate.HandleAsync);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _on.Clock.MeasureAsync(cancellationToken);
        if (!await KekCanary.OpensAsync(_on.Database, _settings.Kek, cancellationToken)) throw new InvalidOperationException(KekCanary.Fault);
        await _records.OpenAsync(cancellationToken);
        await _consumers.StartAsync(_tasks, cancellationToken);
        await _zones.WarmAsync(cancellationToken);
        await _limits.RefreshAsync(cancellationToken);
        Every("sts.clock", Storage.DatabaseClock.MeasureInterval, _on.Clock.MeasureAsync);
        Every("sts.policy-poll", _settings.PolicyPoll, _zones.PollAsync);
        Every("sts.rate-limit", TimeSpan.FromSeconds(30), _limits.RefreshAsync);
        Every("sts.key-activation", TimeSpan.FromSeconds(10), _keyring.ActivateDueAsync);
        Every("sts.used-mandates", TimeSpan.FromMinutes(5), ct => _records.PurgeUsedAsync(_on.Clock.Now, ct));
        _tasks.Start(_shadows.RunAsync);
        Every("sts.policy-shadow", ShadowPolicies.ReportInterval, _shadows.ReportAsync);
        Every("sts.hold-sweep", TimeSpan.FromHours(1), ct => _holds.SweepAsync(_on.Clock.Now.AddHours(-24), ct));
    }

    /// <summary>Stops the jobs and consumers. The audit trail belongs to the stack, which flushes it.</summary>
    public async Task StopAsync()
    {
        await _tasks.StopAsync(TimeSpan.FromSeconds(10));
        await _shadows.ReportLastAsync();
        await _records.CloseAsync();
    }

    public ValueTask DisposeAsync()
    {
        _egress.Dispose();
        return _tasks.DisposeAsync();
    }

    // For the STS this machine is closed even to hosts that an operator opened (sts.md 9.6).
    private static GuardedHttp OpenEgress(StsSettings settings, TimeProvider time) => new(
        new EgressGuard(
            new EgressPolicy(allowPrivate: false, settings.PrivateEgressHosts, allowedHosts: []),
            new PublicResolver(new SystemHostResolver()),
            time),
        new GuardedHttpOptions { ValidateCertificate = ExtraTrust.FromFile(settings.ExtraAuthorities) });

    private ExchangeParts BuildParts(ZoneConfigurationStore store, ExchangeFactsMemory facts, StsMetrics metrics)
    {
        var time = _on.Clock.Process;
        Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send = _on.Http is { } http ? http.SendAsync : _egress.SendAsync;
        var secrets = new ProviderSecrets(store, _settings.Kek, metrics);
        var endpoint = new TokenEndpointClient(send, time);
        var circuit = new ProviderCircuit(_on.State, metrics);
        var watches = new CredentialWatches(_on.State, _on.Clock, _on.Logger);
        var lease = new RefreshLease(_on.State, _on.Leases, time, metrics);
        return new ExchangeParts
        {
            Settings = _settings,
            Clock = _on.Clock,
            State = _on.State,
            Zones = _zones,
            Configuration = store,
            Facts = new ExchangeFactsStore(_on.Database, facts),
            Records = _records,
            PreviousSecrets = new PreviousSecretUse(_on.Database),
            Holds = _holds,
            FederatedRecords = new FederatedRecordInsertion(_on.Database),
            IssuerKeys = new IssuerKeys(send, time),
            Keys = _keyring,
            Limits = _limits,
            StepUpThrottle = new StepUpThrottle(time),
            Secrets = secrets,
            Connections = new ConnectionTokens(
                new ProviderConnectionStore(_on.Database), endpoint, circuit, watches, lease, _settings, _on.Clock, metrics),
            Credentials = new ProviderCredentials(secrets, new ClientTokens(endpoint, circuit, watches, _settings, _on.Clock, metrics)),
            Shadows = _shadows,
            Audit = new ExchangeAudit(_on.Audit),
            Metrics = metrics,
        };
    }

    private void Every(string name, TimeSpan interval, Func<CancellationToken, Task> run) =>
        _tasks.Start(token => new RecurringJob(name, interval, run).RunAsync(_on.Clock.Process, _on.Logger, token));
}
