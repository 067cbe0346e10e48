using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.PolicyReplays;
using Caracal.ControlPlane.PolicySets;
using Caracal.ControlPlane.PolicyShadows;
using static Caracal.Authority.AdminAccess.AdminNeed;

namespace Caracal.ControlPlane.Policies;

/// <summary>The routes of policies, policy sets, replays and shadows (api.md 9, 10).</summary>
internal static class PolicyRoutes
{
    private const string Zone = ControlPlaneRoutes.Zone;

    public static IReadOnlyList<Route> All(RouteParts parts)
    {
        var (changes, settings) = (parts.Changes, parts.Settings);
        var proof = new CompileProof(parts.Policies);
        var policySets = new ListPolicySets(changes.Database);
        var setVersions = new ReadPolicySetVersions(changes.Database);
        var activate = new ActivatePolicySet(changes, proof, settings);
        var replays = new ReplayPolicySet(changes.Database, parts.State, parts.Replays, settings);
        return
        [
            new("POST", "/v1/policies/validate", Look, new ValidatePolicy(settings).HandleAsync),
            new("GET", "/v1/policy-templates", Look, ListPolicyTemplates.HandleAsync),
            new("GET", $"{Zone}/policies", Look, new ListPolicies(changes.Database).HandleAsync),
            new("POST", $"{Zone}/policies", Change, new CreatePolicy(changes, settings).HandleAsync),
            new("GET", $"{Zone}/policies/{{id}}", Look, new GetPolicy(changes.Database).HandleAsync),
            new("POST", $"{Zone}/policies/{{id}}/versions", Change, new AddPolicyVersion(changes, settings).HandleAsync),
            new("DELETE", $"{Zone}/policies/{{id}}", Change, new ArchivePolicy(changes).HandleAsync),
            new("GET", $"{Zone}/policy-sets", Look, policySets.HandleAsync),
            new("POST", $"{Zone}/policy-sets", Change, new CreatePolicySet(changes).HandleAsync),
            new("GET", $"{Zone}/policy-sets/{{id}}", Look, policySets.GetAsync),
            new("DELETE", $"{Zone}/policy-sets/{{id}}", Change, new ArchivePolicySet(changes).HandleAsync),
            new("GET", $"{Zone}/policy-sets/{{id}}/versions", Look, setVersions.ListAsync),
            new("POST", $"{Zone}/policy-sets/{{id}}/versions", Change, new AddPolicySetVersion(changes, proof, settings).HandleAsync),
            new("GET", $"{Zone}/policy-sets/{{id}}/versions/{{versionId}}", Look, setVersions.GetAsync),
            new("POST", $"{Zone}/policy-sets/{{id}}/simulate", Change, new SimulatePolicySet(changes.Database, parts.Policies, settings).HandleAsync),
            new("POST", $"{Zone}/policy-sets/{{id}}/activate", Change, activate.HandleAsync),
            new("GET", $"{Zone}/policy-sets/{{id}}/activation-status", Look, new GetActivationStatus(changes.Database, parts.Policies).HandleAsync),
            new("GET", $"{Zone}/policy-sets/{{id}}/versions/{{versionId}}/diff", Look, new DiffPolicySet(changes.Database).HandleAsync),
            new("POST", $"{Zone}/policy-sets/{{id}}/versions/{{versionId}}/replay", Change, replays.StartAsync),
            new("GET", $"{Zone}/policy-replays/{{id}}", Look, replays.GetAsync),
            .. new ShadowPolicySet(changes.Database, parts.State, settings).Routes(Zone),
            new("POST", $"{Zone}/policy-sets/{{id}}/rollback", Change, new RollbackPolicySet(changes.Database, activate).HandleAsync),
        ];
    }
}
