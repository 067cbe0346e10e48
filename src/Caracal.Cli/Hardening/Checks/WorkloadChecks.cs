namespace Caracal.Cli.Hardening.Checks;

/// <summary>How containers are run. Seen only in rendered objects, which this version does not read yet.</summary>
internal static class WorkloadChecks
{
    private const string NoObjects = "rendered compose or Kubernetes objects are not read by this version";

    public static IReadOnlyList<Check> All { get; } =
    [
        Unread("H-CTR-1", "user of containers", "user, runAsNonRoot", "not 0", "container escape becomes easier", "Run as a user of its own."),
        Unread("H-CTR-2", "capabilities of containers", "cap_drop, capabilities.drop", "ALL dropped", "container escape becomes easier", "Drop ALL."),
        Unread("H-CTR-3", "no-new-privileges", "security_opt, allowPrivilegeEscalation", "set", "container escape becomes easier", "Set no-new-privileges."),
        Unread("H-CTR-4", "root file system", "read_only, readOnlyRootFilesystem", "read-only", "container escape becomes easier", "Mount it read-only."),
        Unread("H-CTR-5", "docker socket, image digests", "volumes, image", "no socket; images by digest", "host takeover; a changed image runs unseen", "Remove the mount; name images by digest."),
        Unread("H-K8S-1", "default-deny network policy", "NetworkPolicy", "selects our pods", "lateral movement", "Install the chart's network policies."),
        Unread("H-K8S-2", "service account tokens, disruption budgets, inline secrets", "pod and PodDisruptionBudget", "no token, a budget, no secret inline", "a taken pod talks to the cluster; an upgrade stops the service", "Use the chart's defaults."),
    ];

    private static Check Unread(string id, string name, string setting, string expected, string consequence, string advice) =>
        new(id, name, setting, expected, consequence, advice, (_, _) => Task.FromResult(Finding.NotEvaluated(NoObjects)));
}
