using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.AdminTokens;
using Caracal.ControlPlane.Applications;
using Caracal.ControlPlane.Approvals;
using Caracal.ControlPlane.AuditReads;
using Caracal.ControlPlane.AuthorityRecords;
using Caracal.ControlPlane.Bootstrap;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Grants;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.ControlPlane.Operations;
using Caracal.ControlPlane.Platform;
using Caracal.ControlPlane.Policies;
using Caracal.ControlPlane.PolicyRuntime;
using Caracal.ControlPlane.PolicySets;
using Caracal.ControlPlane.Providers;
using Caracal.ControlPlane.Resources;
using Caracal.ControlPlane.Sessions;
using Caracal.ControlPlane.SubjectIssuers;
using Caracal.ControlPlane.Subjects;
using Caracal.ControlPlane.Workloads;
using Caracal.ControlPlane.ZoneKeys;
using Caracal.ControlPlane.Zones;
using Caracal.Hosting.Http;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage.Outbox;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using static Caracal.Authority.AdminAccess.AdminNeed;

namespace Caracal.ControlPlane;

/// <summary>The control plane's API on one page: what it is made of, what runs, every route and what it needs (api.md).</summary>
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
    private readonly AdminAuthentication _authentication;
    private readonly ZoneAccess _access;
    private readonly EndAuthority _endAuthority;
    private readonly ApplicationArchive _archive;
    private readonly ControlPlanePipeline _pipeline;
    private readonly OperationsRoutes _operations;
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
        _custodyFigures = new CustodyFigures(metrics);
        _changes = new Changes(given.Database, given.Clock, new EventOutbox(), settings.AuditKeys, given.Log);
        _limits = new RateLimits(settings, given.State, given.Clock.Process);
        _authentication = new AdminAuthentication(given.Database, given.Clock, given.State, settings);
        _access = new ZoneAccess(given.Database, given.Clock, settings);
        _endAuthority = new EndAuthority(_changes);
        _archive = new ApplicationArchive(_endAuthority);
        _pipeline = new ControlPlanePipeline(
            settings, new Router(Routes()), _limits, _authentication, _access, _changes, given.Clock,
            metrics.Counter("caracal_api_authentication_failures_total"), given.Log);
        _operations = new OperationsRoutes(
            settings, given.Database, given.Clock, given.State, _limits, metrics, new OutboxGauges(metrics));
    }

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
        await KekCanary.CheckAsync(_given.Database, _settings.Keks, _given.Clock.Now, cancellationToken);
        await DeploymentTokens.SeedAsync(_given.Database, _settings.AdminToken, _given.Clock.Now, cancellationToken);
        foreach (var job in new ControlPlaneJobs(_given.Database, _given.Clock, _archive, _settings).All())
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
        { } path when path.StartsWith("/v1/", StringComparison.Ordinal) => _pipeline.HandleAsync(context),
        _ => AnswerWriter.WriteAsync(context, ControlPlanePipeline.UnknownRoute(context, context.Request.Path.Value ?? "/")),
    });

    public async Task StopAsync()
    {
        _operations.Draining = true;
        await _tasks.StopAsync(StopLimit);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _tasks.DisposeAsync();
        _limits.Dispose();
        _http?.Dispose();
    }

    private static bool IsLook(HttpContext context) => context.Request.Method is "GET" or "HEAD";

    private static HttpClient NewHttpClient(ControlPlaneSettings settings) =>
        new(StsHttp.Handler(settings.Authorities))
        {
            Timeout = settings.RequestTimeout,
        };

    private IReadOnlyList<Route> Routes()
    {
        var database = _given.Database;
        var custody = new SecretCustody(_changes, _settings.Keks, _custodyFigures);
        var providerSecrets = new ProviderSecrets(custody);
        var control = new ControlResource(_settings);
        var mint = new ZoneKeyMint(_settings.Keks);
        var zones = new ZoneCreation(mint);
        var proof = new CompileProof(_policies);
        var workloads = new ListWorkloads(database);
        var policySets = new ListPolicySets(database);
        var setVersions = new ReadPolicySetVersions(database);
        var grants = new ListGrants(database);
        var issuers = new ListSubjectIssuers(database);
        var approvals = new ListApprovals(database);
        var decide = new DecideApproval(_changes);
        var byRequest = new ReadAuditByRequest(database);
        var adminAudit = new ListAdminAudit(database);
        var limits = new PlatformLimits(_changes, _settings);
        const string zone = "/v1/zones/{zoneId}";

        return
        [
            new("POST", "/v1/bootstrap", Change, new BootstrapZone(_changes, _settings, zones, _limits).HandleAsync) { IsOpen = true },

            new("GET", "/v1/zones", Look, new ListZones(database).HandleAsync),
            new("POST", "/v1/zones", Change, new CreateZone(_changes, zones).HandleAsync),
            new("GET", zone, Look, new GetZone(database).HandleAsync),
            new("PATCH", zone, Change, new UpdateZone(_changes, new DcrShutdown(_changes, _endAuthority), _access).HandleAsync),
            new("DELETE", zone, Change, new ArchiveZone(_changes, _endAuthority, _access).HandleAsync),
            new("GET", $"{zone}/dcr-status", Look, new GetDcrStatus(database).HandleAsync),
            new("GET", $"{zone}/keys", Look, new ListZoneKeys(database).HandleAsync),
            new("POST", $"{zone}/keys/rotate", Change, new RotateZoneKey(_changes, mint, _endAuthority).HandleAsync),
            new("POST", $"{zone}/keys/{{kid}}/retire", Change, new RetireZoneKey(_changes).HandleAsync),

            new("GET", $"{zone}/applications", Look, new ListApplications(database).HandleAsync),
            new("POST", $"{zone}/applications", Change, new CreateApplication(_changes, custody, control).HandleAsync),
            new("POST", $"{zone}/applications/dcr", Change, new RegisterApplication(_changes, _limits).HandleAsync),
            new("GET", $"{zone}/applications/{{id}}", Look, new GetApplication(database).HandleAsync),
            new("PATCH", $"{zone}/applications/{{id}}", Change, new UpdateApplication(_changes, custody, control).HandleAsync),
            new("DELETE", $"{zone}/applications/{{id}}", Change, new ArchiveApplication(_changes, _archive).HandleAsync),
            new("POST", $"{zone}/applications/{{id}}/rotate-secret", Change, new RotateApplicationSecret(_changes, custody).HandleAsync),
            new("POST", $"{zone}/applications/{{id}}/retire-secret", Change, new RetireApplicationSecret(_changes).HandleAsync),
            new("GET", $"{zone}/applications/{{id}}/client-secret", Look, new RevealApplicationSecret(database, custody).HandleAsync),

            new("GET", $"{zone}/workloads", Look, workloads.HandleAsync),
            new("POST", $"{zone}/workloads", Change, new CreateWorkload(_changes, custody).HandleAsync),
            new("GET", $"{zone}/workloads/{{id}}", Look, workloads.GetAsync),
            new("PUT", $"{zone}/workloads/{{id}}", Change, new UpdateWorkload(_changes).HandleAsync),
            new("DELETE", $"{zone}/workloads/{{id}}", Change, new DeleteWorkload(_changes).HandleAsync),
            new("POST", $"{zone}/workloads/{{id}}/rotate-secret", Change, new RotateWorkloadSecret(_changes, custody).HandleAsync),
            new("POST", $"{zone}/workloads/{{id}}/retire-secret", Change, new RetireWorkloadSecret(_changes).HandleAsync),
            new("GET", $"{zone}/workloads/{{id}}/secret", Look, new RevealWorkloadSecret(database, custody).HandleAsync),

            new("GET", $"{zone}/providers", Look, new ListProviders(database).HandleAsync),
            new("POST", $"{zone}/providers", Change, new CreateProvider(_changes, providerSecrets).HandleAsync),
            new("GET", $"{zone}/providers/{{id}}", Look, new GetProvider(database).HandleAsync),
            new("PATCH", $"{zone}/providers/{{id}}", Change, new UpdateProvider(_changes, providerSecrets).HandleAsync),
            new("DELETE", $"{zone}/providers/{{id}}", Change, new ArchiveProvider(_changes).HandleAsync),
            new("POST", $"{zone}/providers/{{id}}/test", Change, new TestProvider(database).HandleAsync),

            new("GET", $"{zone}/resources", Look, new ListResources(database, control).HandleAsync),
            new("POST", $"{zone}/resources", Change, new CreateResource(_changes, _settings, control).HandleAsync),
            new("GET", $"{zone}/resources/{{id}}", Look, new GetResource(database, control).HandleAsync),
            new("PATCH", $"{zone}/resources/{{id}}", Change, new UpdateResource(_changes, control).HandleAsync),
            new("DELETE", $"{zone}/resources/{{id}}", Change, new ArchiveResource(_changes, control).HandleAsync),
            new("POST", $"{zone}/resources/{{id}}/test", Change, new TestResource(database, control).HandleAsync),

            new("POST", "/v1/policies/validate", Look, new ValidatePolicy(_settings).HandleAsync),
            new("GET", "/v1/policy-templates", Look, ListPolicyTemplates.HandleAsync),
            new("GET", $"{zone}/policies", Look, new ListPolicies(database).HandleAsync),
            new("POST", $"{zone}/policies", Change, new CreatePolicy(_changes, _settings).HandleAsync),
            new("GET", $"{zone}/policies/{{id}}", Look, new GetPolicy(database).HandleAsync),
            new("POST", $"{zone}/policies/{{id}}/versions", Change, new AddPolicyVersion(_changes, _settings).HandleAsync),
            new("DELETE", $"{zone}/policies/{{id}}", Change, new ArchivePolicy(_changes).HandleAsync),

            new("GET", $"{zone}/policy-sets", Look, policySets.HandleAsync),
            new("POST", $"{zone}/policy-sets", Change, new CreatePolicySet(_changes).HandleAsync),
            new("GET", $"{zone}/policy-sets/{{id}}", Look, policySets.GetAsync),
            new("DELETE", $"{zone}/policy-sets/{{id}}", Change, new ArchivePolicySet(_changes).HandleAsync),
            new("GET", $"{zone}/policy-sets/{{id}}/versions", Look, setVersions.ListAsync),
            new("POST", $"{zone}/policy-sets/{{id}}/versions", Change, new AddPolicySetVersion(_changes, proof, _settings).HandleAsync),
            new("GET", $"{zone}/policy-sets/{{id}}/versions/{{versionId}}", Look, setVersions.GetAsync),
            new("POST", $"{zone}/policy-sets/{{id}}/simulate", Change, new SimulatePolicySet(database, _policies, _settings).HandleAsync),
            new("POST", $"{zone}/policy-sets/{{id}}/activate", Change, new ActivatePolicySet(_changes, proof, _settings).HandleAsync),
            new("GET", $"{zone}/policy-sets/{{id}}/activation-status", Look, new GetActivationStatus(database, _policies).HandleAsync),

            new("GET", $"{zone}/grants", Look, grants.HandleAsync),
            new("POST", $"{zone}/grants", Change, new CreateGrant(_changes, control).HandleAsync),
            new("GET", $"{zone}/grants/{{id}}", Look, grants.GetAsync),
            new("DELETE", $"{zone}/grants/{{id}}", Change, new RevokeGrant(_changes).HandleAsync),
            new("GET", $"{zone}/subject-issuers", Look, issuers.HandleAsync),
            new("POST", $"{zone}/subject-issuers", Change, new CreateSubjectIssuer(_changes).HandleAsync),
            new("GET", $"{zone}/subject-issuers/{{id}}", Look, issuers.GetAsync),
            new("PATCH", $"{zone}/subject-issuers/{{id}}", Change, new UpdateSubjectIssuer(_changes).HandleAsync),
            new("DELETE", $"{zone}/subject-issuers/{{id}}", Change, new ArchiveSubjectIssuer(_changes).HandleAsync),
            new("POST", $"{zone}/subjects/revoke", Change, new RevokeSubject(_changes, _endAuthority).HandleAsync),
            new("GET", $"{zone}/authority-records", Look, new ListAuthorityRecords(database).HandleAsync),
            new("GET", $"{zone}/sessions", Look, new ListSessions(database).HandleAsync),
            new("GET", $"{zone}/approvals", Look, approvals.HandleAsync),
            new("GET", $"{zone}/approvals/counts", Look, approvals.CountAsync),
            new("GET", $"{zone}/approvals/{{id}}", Look, approvals.GetAsync),
            new("POST", $"{zone}/approvals/{{id}}/approve", Decide, decide.ApproveAsync),
            new("POST", $"{zone}/approvals/{{id}}/reject", Decide, decide.RejectAsync),

            new("GET", $"{zone}/audit", Look, new ListAuditEvents(database).HandleAsync),
            new("GET", $"{zone}/audit/by-request/{{requestId*}}", Look, byRequest.HandleAsync),
            new("GET", $"{zone}/audit/by-request/{{requestId*}}/explain", Look, byRequest.ExplainAsync),
            new("GET", $"{zone}/admin-audit", Look, adminAudit.HandleAsync),
            new("GET", "/v1/admin-audit", Look, adminAudit.GlobalAsync),

            new("GET", "/v1/admin-tokens", Look, new ListAdminTokens(database).HandleAsync),
            new("POST", "/v1/admin-tokens", Change, new CreateAdminToken(_changes).HandleAsync),
            new("DELETE", "/v1/admin-tokens/{id}", Change, new RevokeAdminToken(_changes, _authentication).HandleAsync),
            new("GET", "/v1/audit-retention", Look, limits.GetRetentionAsync),
            new("PUT", "/v1/audit-retention", Change, limits.SetRetentionAsync),
            new("GET", "/v1/mint-rate-limit", Look, limits.GetMintRateAsync),
            new("PUT", "/v1/mint-rate-limit", Change, limits.SetMintRateAsync),
        ];
    }
}
