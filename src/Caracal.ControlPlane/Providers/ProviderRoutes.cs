using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.ProviderConnections;
using Caracal.ControlPlane.ProviderCredentials;
using static Caracal.Authority.AdminAccess.AdminNeed;

namespace Caracal.ControlPlane.Providers;

/// <summary>The routes of providers and of the connections to them (api.md 7, 11.3).</summary>
internal static class ProviderRoutes
{
    private const string Zone = ControlPlaneRoutes.Zone;

    public static IReadOnlyList<Route> All(RouteParts parts) => [.. Providers(parts), .. Credentials(parts), .. Connections(parts)];

    private static IReadOnlyList<Route> Providers(RouteParts parts)
    {
        var (changes, limits) = (parts.Changes, parts.Limits);
        var secrets = new ProviderSecrets(parts.Custody);
        var check = new ProviderCheck(parts.Outbound, parts.Clock);
        return
        [
            new("GET", $"{Zone}/providers", Look, new ListProviders(changes.Database).HandleAsync),
            new("POST", $"{Zone}/providers", Change, new CreateProvider(changes, secrets, check, limits).HandleAsync),
            new("GET", $"{Zone}/providers/{{id}}", Look, new GetProvider(changes.Database).HandleAsync),
            new("PATCH", $"{Zone}/providers/{{id}}", Change, new UpdateProvider(changes, secrets).HandleAsync),
            new("DELETE", $"{Zone}/providers/{{id}}", Change, new ArchiveProvider(changes).HandleAsync),
            new("POST", $"{Zone}/providers/{{id}}/test", Change, new TestProvider(changes, secrets, check, limits).HandleAsync),
            new("POST", $"{Zone}/providers/discovery", Change, new DiscoverProvider(changes.Database, parts.Outbound, limits).HandleAsync),
        ];
    }

    private static IReadOnlyList<Route> Credentials(RouteParts parts)
    {
        var steps = new CredentialSteps(parts.Changes);
        var slots = new CredentialSlots(parts.Custody);
        var counts = new CredentialCounts(parts.State);
        var end = new EndCredentialChange(steps, slots, counts);
        var trial = new CredentialTrial(new ProviderCheck(parts.Outbound, parts.Clock), new CredentialCanary(parts.Outbound, parts.Clock));
        var prove = new ProveCredential(steps, slots, trial, parts.Limits);
        const string Credential = $"{Zone}/providers/{{id}}/credential";
        return
        [
            new("GET", Credential, Look, new ShowCredentialChange(steps.Database, counts).HandleAsync),
            new("POST", $"{Credential}/stage", Change, new StageCredential(steps, slots).HandleAsync),
            new("POST", $"{Credential}/canary", Change, prove.HandleAsync),
            new("POST", $"{Credential}/shift", Change, new ShiftCredential(steps, slots).HandleAsync),
            new("POST", $"{Credential}/retire", Change, end.RetireAsync),
            new("POST", $"{Credential}/fall-back", Change, end.FallBackAsync),
            new("POST", $"{Credential}/discard", Change, end.DiscardAsync),
        ];
    }

    private static IReadOnlyList<Route> Connections(RouteParts parts)
    {
        var changes = parts.Changes;
        var secrets = new ProviderSecrets(parts.Custody);
        var seals = new ConnectionSeals(parts.Settings.Keks);
        return
        [
            new("GET", $"{Zone}/provider-connections", Look, new ListConnections(changes.Database).HandleAsync),
            new("POST", $"{Zone}/provider-connections", Change, new CreateConnection(changes, seals).HandleAsync),
            new("POST", $"{Zone}/provider-connections/revoke", Change, new RevokeConnection(changes, secrets, seals, parts.Outbound).HandleAsync),
            new("POST", $"{Zone}/provider-connections/oauth/authorize", Change, new AuthorizeConnection(changes.Database, parts.State).HandleAsync),

            // HEAD would use up the state (api.md, "Better than v1.0" 9).
            new("GET", $"{Zone}/provider-connections/oauth/callback", Look, new CompleteConsent(changes, parts.State, secrets, seals, parts.Outbound).HandleAsync)
            {
                IsOpen = true,
                GetOnly = true,
            },
        ];
    }
}
