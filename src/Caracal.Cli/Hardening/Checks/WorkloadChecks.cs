namespace Caracal.Cli.Hardening.Checks;

/// <summary>How containers are run, as rendered compose or Kubernetes objects say (<c>--objects FILE</c>).</summary>
internal static class WorkloadChecks
{
    private const string NoObjects = "no --objects FILE names rendered compose or Kubernetes objects";

    public static IReadOnlyList<Check> All { get; } =
    [
        Each("H-CTR-1", "user of containers", "user, runAsNonRoot", "not 0", "container escape becomes easier", "Run as a user of its own.", container => container.Root ? "may be root" : null),
        Each("H-CTR-2", "capabilities of containers", "cap_drop, capabilities.drop", "ALL dropped", "container escape becomes easier", "Drop ALL.", container => container.DropsAll ? null : "keeps capabilities"),
        Each("H-CTR-3", "no-new-privileges", "security_opt, allowPrivilegeEscalation", "set", "container escape becomes easier", "Set no-new-privileges.", container => container.NoNewPrivileges ? null : "may gain privileges"),
        Each("H-CTR-4", "root file system", "read_only, readOnlyRootFilesystem", "read-only", "container escape becomes easier", "Mount it read-only.", container => container.ReadOnly ? null : "may write its root"),
        new("H-CTR-5", "docker socket, image digests", "volumes, image", "no socket; images by digest", "host takeover; a changed image runs unseen", "Remove the mount; name images by digest.", Check.Look(Images)),
        new("H-K8S-1", "default-deny network policy", "NetworkPolicy", "selects our pods", "lateral movement", "Install the chart's network policies.", Check.Look(Policies)),
        new("H-K8S-2", "service account tokens, disruption budgets, inline secrets", "pod and PodDisruptionBudget", "no token, a budget, no secret inline", "a taken pod talks to the cluster; an upgrade stops the service", "Use the chart's defaults.", Check.Look(Pods)),
    ];

    private static Check Each(string id, string name, string setting, string expected, string consequence, string advice, Func<RenderedContainer, string?> fault) =>
        new(id, name, setting, expected, consequence, advice, Check.Look(deployment =>
        {
            if (deployment.Objects is not { } objects) return Finding.NotEvaluated(NoObjects);
            var verdict = new Verdict();
            foreach (var container in objects.Containers)
            {
                if (fault(container) is { } found) verdict.Fail($"{container.Name} {found}");
                else verdict.Ok($"{objects.Containers.Count} containers");
            }

            return verdict.Finding("the objects run no container of ours");
        }));

    private static Finding Images(Deployment deployment)
    {
        if (deployment.Objects is not { } objects) return Finding.NotEvaluated(NoObjects);
        var verdict = new Verdict();
        foreach (var holder in objects.SocketHolders) verdict.Fail($"{holder} holds the socket of the container engine");
        foreach (var container in objects.Containers)
        {
            if (container.Image.Contains("@sha256:", StringComparison.Ordinal)) verdict.Ok("images by digest");
            else verdict.Warn($"{container.Name} is {container.Image}, not a digest");
        }

        return verdict.Finding("the objects run no container of ours");
    }

    private static Finding Policies(Deployment deployment) => deployment.Objects switch
    {
        null => Finding.NotEvaluated(NoObjects),
        { IsKubernetes: false } => Finding.NotEvaluated("compose has no network policies"),
        { DeniesByDefault: true, Unguarded: [var unguarded, ..] } => Finding.Fail($"no network policy denies by default for {unguarded}"),
        { DeniesByDefault: true, OpenEgress: [var open, ..] } => Finding.Warn($"{open} lets pods reach every host on port 53 or 443"),
        { DeniesByDefault: true } => Finding.Ok("a policy denies what no other allows"),
        _ => Finding.Fail("no network policy denies by default"),
    };

    private static Finding Pods(Deployment deployment)
    {
        if (deployment.Objects is not { } objects) return Finding.NotEvaluated(NoObjects);
        var verdict = new Verdict();
        foreach (var container in objects.Containers)
        {
            foreach (var secret in container.InlineSecrets) verdict.Fail($"{container.Name} has {secret} inline");
            if (objects.IsKubernetes && container.AccountToken) verdict.Warn($"{container.Name} has the token of a service account");
            if (objects.IsKubernetes && container.Name != "caracal-provision" && !objects.Budgets.Contains(container.Name, StringComparer.Ordinal)) verdict.Warn($"{container.Name} has no disruption budget");
            verdict.Ok("no token and no secret inline");
        }

        return verdict.Finding("the objects run no container of ours");
    }
}
