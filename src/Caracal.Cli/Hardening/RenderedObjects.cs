using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Hardening;

/// <summary>How one container of ours is run.</summary>
internal sealed record RenderedContainer(
    string Name, bool Root, bool DropsAll, bool NoNewPrivileges, bool ReadOnly, string Image, bool AccountToken, IReadOnlyList<string> InlineSecrets);

/// <summary>
/// Compose (<c>docker compose config --format json</c>) or Kubernetes (<c>kubectl get … -o json</c>) objects as JSON. What an
/// object does not say counts as what the engine does then: root, all capabilities, a writable root.
/// </summary>
internal sealed class RenderedObjects
{
    private static readonly string[] Ours = ["sts", "api", "gateway", "coordinator", "audit", "console", "provision"];
    private static readonly string[] Inner = ["postgres", "postgresql", "redis", "audit", "coordinator", "control"];
    private readonly List<RenderedContainer> _containers = [];
    private readonly List<(string Name, string Space, JsonObject Labels)> _pods = [];
    private readonly List<(string Space, JsonNode? Selector)> _denials = [];

    private RenderedObjects(JsonObject root, string text)
    {
        Rendered = text;
        if (root["services"] is JsonObject services)
        {
            foreach (var (name, service) in services) Compose(name, service!.AsObject(), root);
            return;
        }

        IsKubernetes = true;
        foreach (var item in root["items"] is JsonArray items ? items.Select(item => item!.AsObject()) : [root]) Kubernetes(item);
    }

    public IReadOnlyList<RenderedContainer> Containers => _containers;

    public bool IsKubernetes { get; }

    /// <summary>The objects as they were given.</summary>
    public string Rendered { get; }

    /// <summary>Our services' pods that no policy of their namespace isolates in both directions. A job that provisions runs before policies are there.</summary>
    public IReadOnlyList<string> Unguarded => [.. _pods
        .Where(pod => !_denials.Any(denial => (denial.Space == pod.Space || denial.Space.Length == 0 || pod.Space.Length == 0) && PodSelection.Selects(denial.Selector, pod.Labels)))
        .Select(pod => pod.Name)];

    /// <summary>True when there is a policy that allows nothing by itself.</summary>
    public bool DeniesByDefault => _denials.Count > 0;

    /// <summary>What containers, ours or not, are given from outside.</summary>
    public List<RenderedMount> Mounts { get; } = [];

    public List<string> Budgets { get; } = [];

    /// <summary>Containers, ours or not, that hold the engine's socket.</summary>
    public List<string> SocketHolders { get; } = [];

    /// <summary>What must not be reached from outside, and is published beyond loopback or the cluster.</summary>
    public List<string> Published { get; } = [];

    /// <summary>Services of ours that no other host can reach: nothing is published, or on loopback only.</summary>
    public List<string> LoopbackOnly { get; } = [];

    /// <summary>Network policies of ours that let pods reach any name server or any host on 443.</summary>
    public List<string> OpenEgress { get; } = [];

    public static RenderedObjects Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path);
            return new RenderedObjects(JsonNode.Parse(text) as JsonObject ?? throw new CommandFailure($"{path} holds no object"), text);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or IOException)
        {
            throw new CommandFailure($"--objects: {path} is not JSON of compose or Kubernetes objects");
        }
    }

    private static bool IsOurs(string name, string image) => Ours.Contains(name, StringComparer.Ordinal) || image.Contains("caracal", StringComparison.Ordinal);

    private void Compose(string name, JsonObject service, JsonObject root)
    {
        if (service.ToJsonString().Contains("docker.sock", StringComparison.Ordinal)) SocketHolders.Add(name);
        var image = Text(service["image"]);
        var loopback = Text(service["network_mode"]) != "host" && (service["ports"] as JsonArray ?? []).All(IsOnLoopback);
        if (loopback) LoopbackOnly.Add(name);
        else if (Inner.Contains(name, StringComparer.Ordinal)) Published.Add(name);
        Mounts.AddRange(RenderedMount.OfCompose(name, IsOurs(name, image) || Inner.Contains(name, StringComparer.Ordinal), service, root));
        if (!IsOurs(name, image)) return;
        var user = Text(service["user"]).Split(':')[0];
        _containers.Add(new RenderedContainer(
            name, user is "" or "0" or "root", Texts(service["cap_drop"]).Contains("ALL"), Texts(service["security_opt"]).Any(option => option.StartsWith("no-new-privileges", StringComparison.Ordinal) && !option.EndsWith("false", StringComparison.Ordinal)),
            IsTrue(service["read_only"]), image, false, Secrets(service["environment"] as JsonObject)));
    }

    private void Kubernetes(JsonObject item)
    {
        var kind = Text(item["kind"]);
        var name = Text(item["metadata"]?["name"]);
        if (kind == "PodDisruptionBudget") Budgets.Add(name);
        if (kind == "Service" && Text(item["spec"]?["type"]) is "NodePort" or "LoadBalancer" && Inner.Any(inner => name == inner || name.EndsWith("-" + inner, StringComparison.Ordinal))) Published.Add(name);
        if (kind == "NetworkPolicy" && (item["spec"]?["egress"] as JsonArray ?? []).Any(IsOpen)) OpenEgress.Add(name);
        if (kind == "NetworkPolicy" && item["spec"] is JsonObject policy && policy["ingress"] is null && policy["egress"] is null && Texts(policy["policyTypes"]).Count == 2) _denials.Add((Text(item["metadata"]?["namespace"]), policy["podSelector"]));
        var template = item["spec"]?["jobTemplate"]?["spec"]?["template"] ?? item["spec"]?["template"] ?? (kind == "Pod" ? item : null);
        if (template?["spec"] is not JsonObject pod || pod["containers"] is not JsonArray containers) return;
        if (pod.ToJsonString().Contains("docker.sock", StringComparison.Ordinal)) SocketHolders.Add(name);
        var labels = (template["metadata"]?["labels"] ?? item["metadata"]?["labels"]) as JsonObject ?? [];
        foreach (var early in (pod["initContainers"] as JsonArray ?? []).Select(container => container!.AsObject()))
        {
            Mounts.AddRange(RenderedMount.OfPod(name, IsOurs(Text(early["name"]), Text(early["image"])), pod, early));
        }

        foreach (var container in containers.Select(container => container!.AsObject()))
        {
            var image = Text(container["image"]);
            var isOurs = IsOurs(Text(container["name"]), image);
            Mounts.AddRange(RenderedMount.OfPod(name, isOurs || Inner.Contains(Text(container["name"]), StringComparer.Ordinal), pod, container));
            if (!isOurs) continue;
            if (kind is not ("Job" or "CronJob")) _pods.Add((name, Text(item["metadata"]?["namespace"]), labels));
            var context = container["securityContext"];
            var user = Text(context?["runAsUser"] ?? pod["securityContext"]?["runAsUser"]);
            var nonRoot = IsTrue(context?["runAsNonRoot"] ?? pod["securityContext"]?["runAsNonRoot"]);
            _containers.Add(new RenderedContainer(
                name, user == "0" || (!nonRoot && user.Length == 0), Texts(context?["capabilities"]?["drop"]).Contains("ALL"), Text(context?["allowPrivilegeEscalation"]) == "false",
                IsTrue(context?["readOnlyRootFilesystem"]), image, Text(pod["automountServiceAccountToken"]) != "false",
                [.. (container["env"] as JsonArray ?? []).Where(variable => variable!["value"] is not null && IsSecret(Text(variable["name"]))).Select(variable => Text(variable!["name"]))]));
        }
    }

    // "127.0.0.1:9090:9090" in a file; {"host_ip":"127.0.0.1","published":"9090",…} as the engine renders it.
    private static bool IsOnLoopback(JsonNode? port) => port is JsonObject rendered
        ? rendered["published"] is null || Deployment.IsLoopback(Text(rendered["host_ip"]))
        : Text(port) is var text && (text.StartsWith("127.", StringComparison.Ordinal) || text.StartsWith("[::1]", StringComparison.Ordinal));

    // A rule without a peer, or for the whole of the network, on the ports that everything answers at.
    private static bool IsOpen(JsonNode? rule) =>
        (rule!["to"] is not JsonArray { Count: > 0 } peers || peers.Any(peer => Text(peer?["ipBlock"]?["cidr"]) is "0.0.0.0/0" or "::/0" && peer?["ipBlock"]?["except"] is null))
        && (rule["ports"] is not JsonArray { Count: > 0 } ports || ports.Any(port => Text(port?["port"]) is "53" or "443"));

    private static List<string> Secrets(JsonObject? environment) => [.. (environment ?? []).Select(variable => variable.Key).Where(IsSecret)];

    private static bool IsSecret(string name) => name.EndsWith("_KEY", StringComparison.Ordinal) || name.EndsWith("_KEK", StringComparison.Ordinal)
        || name.EndsWith("_TOKEN", StringComparison.Ordinal) || name.EndsWith("PASSWORD", StringComparison.Ordinal) || name.EndsWith("_BEARER", StringComparison.Ordinal) || name is "DATABASE_URL" or "REDIS_URL";

    private static string Text(JsonNode? node) => node is JsonValue ? node.ToString() : "";

    private static bool IsTrue(JsonNode? node) => Text(node) == "true";

    private static List<string> Texts(JsonNode? node) => [.. (node as JsonArray ?? []).Select(Text)];
}
