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
using Caracal.ControlPlane.NotificationSinks;
using Caracal.ControlPlane.Operations;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.Platform;
using Caracal.ControlPlane.Policies;
using Caracal.ControlPlane.Providers;
using Caracal.ControlPlane.Resources;
using Caracal.ControlPlane.Rotations;
using Caracal.ControlPlane.Sessions;
using Caracal.ControlPlane.SubjectIssuers;
using Caracal.ControlPlane.Subjects;
using Caracal.ControlPlane.Workloads;
using Caracal.ControlPlane.ZoneKeys;
using Caracal.ControlPlane.Zones;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Streams.State;
using static Caracal.Authority.AdminAccess.AdminNeed;
using DatabaseClock = Caracal.Storage.DatabaseClock;

namespace Caracal.ControlPlane;

/// <summary>What the routes are made of; the service builds it once.</summary>
internal sealed record RouteParts
{
    public required ControlPlaneSettings Settings { get; init; }
    public required Changes Changes { get; init; }
    public required DatabaseClock Clock { get; init; }
    public required ISharedState State { get; init; }
    public required SecretCustody Custody { get; init; }
    public required RateLimits Limits { get; init; }
    public required AdminAuthentication Authentication { get; init; }
    public required ZoneAccess Access { get; init; }
    public required EndAuthority EndAuthority { get; init; }
    public required ApplicationArchive Archive { get; init; }
    public required OutboundHttp Outbound { get; init; }
    public required SinkPlaces Sinks { get; init; }

    public required PolicyReplays.ReplayRuns Replays { get; init; }

    public required RotationSteps Rotations { get; init; }

    /// <summary>Who compiles and decides; null when nobody can be asked.</summary>
    public required IPolicyRuntime? Policies { get; init; }
}

/// <summary>Every route of the API and what it needs (api.md); policies, providers and rotations have a page of their own.</summary>
internal sealed class ControlPlaneRoutes(RouteParts parts)
{
    /// <summary>Where the routes of a zone begin.</summary>
    public const string Zone = "/v1/zones/{zoneId}";

    private readonly ControlPlaneSettings settings = parts.Settings;
    private readonly Changes changes = parts.Changes;
    private readonly SecretCustody custody = parts.Custody;
    private readonly RateLimits limits = parts.Limits;
    private readonly AdminAuthentication authentication = parts.Authentication;
    private readonly ZoneAccess access = parts.Access;
    private readonly EndAuthority endAuthority = parts.EndAuthority;
    private readonly ApplicationArchive archive = parts.Archive;
    private readonly ControlResource control = new(parts.Settings);

    public IReadOnlyList<Route> All() =>
    [
        .. Zones(), .. Applications(), .. Workloads(), .. ProviderRoutes.All(parts), .. Resources(), .. PolicyRoutes.All(parts), .. Grants(),
        .. Subjects(), .. Approvals(), .. Evidence(), .. Platform(), .. RotationRoutes.All(parts),
    ];

    private IReadOnlyList<Route> Zones()
    {
        var mint = new ZoneKeyMint(settings.Keks);
        var zones = new ZoneCreation(mint);
        return
        [
            new("POST", "/v1/bootstrap", Change, new BootstrapZone(changes, settings, zones, limits).HandleAsync) { IsOpen = true },
            new("GET", "/v1/zones", Look, new ListZones(changes.Database).HandleAsync),
            new("POST", "/v1/zones", Change, new CreateZone(changes, zones).HandleAsync),
            new("GET", Zone, Look, new GetZone(changes.Database).HandleAsync),
            new("PATCH", Zone, Change, new UpdateZone(changes, new DcrShutdown(changes, endAuthority), access).HandleAsync),
            new("DELETE", Zone, Change, new ArchiveZone(changes, endAuthority, access).HandleAsync),
            new("GET", $"{Zone}/dcr-status", Look, new GetDcrStatus(changes.Database).HandleAsync),
            new("GET", $"{Zone}/keys", Look, new ListZoneKeys(changes.Database).HandleAsync),
            new("POST", $"{Zone}/keys/rotate", Change, new RotateZoneKey(changes, mint, endAuthority).HandleAsync),
            new("POST", $"{Zone}/keys/{{kid}}/retire", Change, new RetireZoneKey(changes).HandleAsync),
            new("GET", $"{Zone}/overview", Look, new GetZoneOverview(changes.Database).HandleAsync),
        ];
    }

    private IReadOnlyList<Route> Applications() =>
    [
        new("GET", $"{Zone}/applications", Look, new ListApplications(changes.Database).HandleAsync),
        new("POST", $"{Zone}/applications", Change, new CreateApplication(changes, custody, control).HandleAsync),
        new("POST", $"{Zone}/applications/dcr", Change, new RegisterApplication(changes, limits).HandleAsync),
        new("GET", $"{Zone}/applications/{{id}}", Look, new GetApplication(changes.Database).HandleAsync),
        new("PATCH", $"{Zone}/applications/{{id}}", Change, new UpdateApplication(changes, custody, control).HandleAsync),
        new("DELETE", $"{Zone}/applications/{{id}}", Change, new ArchiveApplication(changes, archive).HandleAsync),
        new("POST", $"{Zone}/applications/{{id}}/rotate-secret", Change, new RotateApplicationSecret(changes, custody).HandleAsync),
        new("POST", $"{Zone}/applications/{{id}}/retire-secret", Change, new RetireApplicationSecret(changes).HandleAsync),
        new("GET", $"{Zone}/applications/{{id}}/client-secret", Look, new RevealApplicationSecret(changes.Database, custody).HandleAsync),
    ];

    private IReadOnlyList<Route> Workloads()
    {
        var workloads = new ListWorkloads(changes.Database);
        return
        [
            new("GET", $"{Zone}/workloads", Look, workloads.HandleAsync),
            new("POST", $"{Zone}/workloads", Change, new CreateWorkload(changes, custody).HandleAsync),
            new("GET", $"{Zone}/workloads/{{id}}", Look, workloads.GetAsync),
            new("PUT", $"{Zone}/workloads/{{id}}", Change, new UpdateWorkload(changes).HandleAsync),
            new("DELETE", $"{Zone}/workloads/{{id}}", Change, new DeleteWorkload(changes).HandleAsync),
            new("POST", $"{Zone}/workloads/{{id}}/rotate-secret", Change, new RotateWorkloadSecret(changes, custody).HandleAsync),
            new("POST", $"{Zone}/workloads/{{id}}/retire-secret", Change, new RetireWorkloadSecret(changes).HandleAsync),
            new("GET", $"{Zone}/workloads/{{id}}/secret", Look, new RevealWorkloadSecret(changes.Database, custody).HandleAsync),
        ];
    }

    private IReadOnlyList<Route> Resources()
    {
        var check = new ResourceCheck(parts.Outbound, parts.Clock);
        return
        [
            new("GET", $"{Zone}/resources", Look, new ListResources(changes.Database, control).HandleAsync),
            new("POST", $"{Zone}/resources", Change, new CreateResource(changes, settings, control, check, limits).HandleAsync),
            new("GET", $"{Zone}/resources/{{id}}", Look, new GetResource(changes.Database, control).HandleAsync),
            new("PATCH", $"{Zone}/resources/{{id}}", Change, new UpdateResource(changes, control).HandleAsync),
            new("DELETE", $"{Zone}/resources/{{id}}", Change, new ArchiveResource(changes, control).HandleAsync),
            new("POST", $"{Zone}/resources/{{id}}/test", Change, new TestResource(changes.Database, control, check, limits).HandleAsync),
        ];
    }

    private IReadOnlyList<Route> Grants()
    {
        var grants = new ListGrants(changes.Database);
        var issuers = new ListSubjectIssuers(changes.Database);
        return
        [
            new("GET", $"{Zone}/grants", Look, grants.HandleAsync),
            new("POST", $"{Zone}/grants", Change, new CreateGrant(changes, control).HandleAsync),
            new("GET", $"{Zone}/grants/{{id}}", Look, grants.GetAsync),
            new("DELETE", $"{Zone}/grants/{{id}}", Change, new RevokeGrant(changes).HandleAsync),
            new("GET", $"{Zone}/subject-issuers", Look, issuers.HandleAsync),
            new("POST", $"{Zone}/subject-issuers", Change, new CreateSubjectIssuer(changes).HandleAsync),
            new("GET", $"{Zone}/subject-issuers/{{id}}", Look, issuers.GetAsync),
            new("PATCH", $"{Zone}/subject-issuers/{{id}}", Change, new UpdateSubjectIssuer(changes).HandleAsync),
            new("DELETE", $"{Zone}/subject-issuers/{{id}}", Change, new ArchiveSubjectIssuer(changes).HandleAsync),
        ];
    }

    private IReadOnlyList<Route> Subjects()
    {
        var subjects = new ListSubjects(changes.Database);
        return
        [
            new("GET", $"{Zone}/subjects", Look, subjects.HandleAsync),
            new("GET", $"{Zone}/subjects/overview", Look, subjects.OverviewAsync),
            new("POST", $"{Zone}/subjects/revoke", Change, new RevokeSubject(changes, endAuthority).HandleAsync),
            new("GET", $"{Zone}/authority-records", Look, new ListAuthorityRecords(changes.Database).HandleAsync),
            new("GET", $"{Zone}/sessions", Look, new ListSessions(changes.Database).HandleAsync),
            new("POST", $"{Zone}/kill-switch", Change, new UseKillSwitch(changes, endAuthority).HandleAsync),
        ];
    }

    private IReadOnlyList<Route> Approvals()
    {
        var approvals = new ListApprovals(changes.Database);
        var decide = new DecideApproval(changes);
        var sinks = new ManageSinks(changes, settings.Keks, parts.Sinks);
        return
        [
            new("GET", $"{Zone}/approvals", Look, approvals.HandleAsync),
            new("GET", $"{Zone}/approvals/counts", Look, approvals.CountAsync),
            new("GET", $"{Zone}/approvals/{{id}}", Look, approvals.GetAsync),
            new("POST", $"{Zone}/approvals/{{id}}/approve", Decide, decide.ApproveAsync),
            new("POST", $"{Zone}/approvals/{{id}}/reject", Decide, decide.RejectAsync),
            new("GET", $"{Zone}/notification-sinks", Look, sinks.ListAsync),
            new("POST", $"{Zone}/notification-sinks", Change, sinks.CreateAsync),
            new("GET", $"{Zone}/notification-sinks/{{id}}", Look, sinks.GetAsync),
            new("PATCH", $"{Zone}/notification-sinks/{{id}}", Change, sinks.UpdateAsync),
            new("DELETE", $"{Zone}/notification-sinks/{{id}}", Change, sinks.DeleteAsync),
            new("GET", $"{Zone}/notification-sinks/{{id}}/deliveries", Look, sinks.DeliveriesAsync),
            new("POST", $"{Zone}/notification-sinks/{{id}}/rotate-secret", Change, sinks.RotateSecretAsync),
        ];
    }

    private IReadOnlyList<Route> Evidence()
    {
        var byRequest = new ReadAuditByRequest(changes.Database);
        var adminAudit = new ListAdminAudit(changes.Database);
        return
        [
            new("GET", $"{Zone}/audit", Look, new ListAuditEvents(changes.Database).HandleAsync),
            new("GET", $"{Zone}/audit/by-request/{{requestId*}}", Look, byRequest.HandleAsync),
            new("GET", $"{Zone}/audit/by-request/{{requestId*}}/explain", Look, byRequest.ExplainAsync),
            new("GET", $"{Zone}/admin-audit", Look, adminAudit.HandleAsync),
            new("GET", "/v1/admin-audit", Look, adminAudit.GlobalAsync),
        ];
    }

    private IReadOnlyList<Route> Platform()
    {
        var platform = new PlatformLimits(changes, settings);
        return
        [
            new("GET", "/v1/admin-tokens", Look, new ListAdminTokens(changes.Database).HandleAsync),
            new("POST", "/v1/admin-tokens", Change, new CreateAdminToken(changes).HandleAsync),
            new("DELETE", "/v1/admin-tokens/{id}", Change, new RevokeAdminToken(changes, authentication).HandleAsync),
            new("GET", "/v1/audit-retention", Look, platform.GetRetentionAsync),
            new("PUT", "/v1/audit-retention", Change, platform.SetRetentionAsync),
            new("GET", "/v1/mint-rate-limit", Look, platform.GetMintRateAsync),
            new("PUT", "/v1/mint-rate-limit", Change, platform.SetMintRateAsync),
            new("POST", "/v1/outbox/{id}/requeue", Change, new RequeueOutbox(changes).HandleAsync),
        ];
    }
}
