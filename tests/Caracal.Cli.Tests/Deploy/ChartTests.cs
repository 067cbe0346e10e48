namespace Caracal.Cli.Tests.Deploy;

/// <summary>What the chart puts into a cluster.</summary>
public sealed class ChartTests
{
    private static readonly (string, string)[] Production =
    [
        ("image.tag", "v1.0.0"), ("secrets.runtimeSecretName", "caracal-runtime"), ("issuerUrl", "https://sts.example.com"),
        ("stores.postgres.cidr", "10.1.2.3/32"), ("stores.redis.cidr", "10.1.2.4/32"), ("tls.gatewaySecretName", "gateway-tls"),
    ];

    /// <summary>What the chart renders for production.</summary>
    internal static List<Dictionary<object, object?>> Objects => new ChartRenderer(Production).Render();

    [Theory]
    [InlineData("image.tag", "", "a deployment names its version")]
    [InlineData("secrets.runtimeSecretName", "", "secrets.runtimeSecretName is required")]
    [InlineData("issuerUrl", "", "issuerUrl is required")]
    [InlineData("secrets.create", "true", "refused in stable")]
    [InlineData("stores.postgres.cidr", "", "stores.postgres.cidr is required")]
    [InlineData("stores.redis.cidr", "", "stores.redis.cidr is required")]
    [InlineData("networkPolicy.enabled", "false", "refused in stable")]
    [InlineData("networkPolicy.allowDns", "false", "refused in stable")]
    public void Refuses_values_that_are_unsafe(string path, string value, string says)
    {
        var refused = Assert.Throws<ChartRefusedException>(() => new ChartRenderer([.. Production, (path, value)]).Render());
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_container_runs_with_nothing_it_does_not_need()
    {
        var pods = Pods().ToList();
        Assert.Equal(["api", "audit", "caracal-provision", "console", "coordinator", "gateway", "sts"], pods.Select(pod => pod.Name).Order(StringComparer.Ordinal));
        Assert.All(pods, pod =>
        {
            Assert.Equal("false", pod.Spec.Text("automountServiceAccountToken"));
            Assert.Equal(("true", "65532", "RuntimeDefault"), (pod.Spec.Text("securityContext", "runAsNonRoot"), pod.Spec.Text("securityContext", "runAsUser"), pod.Spec.Text("securityContext", "seccompProfile", "type")));
            Assert.Null(pod.Spec.At("hostNetwork"));
            Assert.DoesNotContain(pod.Spec.List("volumes"), volume => volume.At("hostPath") is not null);
            var container = Assert.Single(pod.Spec.List("containers"));
            Assert.Equal(("false", "true", "false"), (container.Text("securityContext", "allowPrivilegeEscalation"), container.Text("securityContext", "readOnlyRootFilesystem"), container.Text("securityContext", "privileged")));
            Assert.Equal(["ALL"], container.List("securityContext", "capabilities", "drop"));
            Assert.Equal("512Mi", container.Text("resources", "limits", "memory"));
            Assert.EndsWith(":v1.0.0", container.Text("image"), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Secrets_are_files_and_each_service_gets_its_own_only()
    {
        Assert.DoesNotContain(Objects, item => item.Text("kind") == "Secret");
        foreach (var (name, spec) in Pods().Where(pod => pod.Name != "caracal-provision"))
        {
            var items = spec.List("volumes").Single(volume => volume.Text("name") == "secrets").List("projected", "sources", "0", "secret", "items").Select(item => item.Text("key")).ToList();
            Assert.Equal(ComposeTests.Projections[name], items);
            Assert.All(spec.List("containers", "0", "env"), variable => Assert.Null(variable.At("valueFrom", "secretKeyRef")));
        }
    }

    [Fact]
    public void Nothing_is_reached_unless_a_policy_says_so()
    {
        var policies = Objects.Where(item => item.Text("kind") == "NetworkPolicy").ToDictionary(item => item.Text("metadata", "name")!, item => item.Map("spec"), StringComparer.Ordinal);
        var deny = policies["caracal-default-deny"];
        Assert.Equal(["Ingress", "Egress"], deny.List("policyTypes"));
        Assert.True(deny.At("ingress") is null && deny.At("egress") is null);
        Assert.Equal("caracal", deny.Text("podSelector", "matchLabels", "app.kubernetes.io/part-of"));

        Assert.Equal(["api"], Callers("audit"));
        Assert.Equal(["api"], Callers("coordinator"));
        Assert.DoesNotContain("ingress", Namespaces("audit"));
        Assert.DoesNotContain("ingress", Namespaces("coordinator"));
        Assert.Equal(["audit", "gateway", "sts"], policies.Where(policy => policy.Value.List("egress").Any(rule => rule.Text("ports", "0", "port") == "443")).Select(policy => policy.Key["caracal-".Length..]).Order(StringComparer.Ordinal));
        Assert.All(policies.Values.SelectMany(policy => policy.List("egress")), rule => Assert.NotEmpty(rule.List("to"))); // no port is open towards everybody

        List<string?> Callers(string name) => [.. From(name).Select(from => from.Text("podSelector", "matchLabels", "app.kubernetes.io/component")).OfType<string>()];
        List<string?> Namespaces(string name) => [.. From(name).Select(from => from.Text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")).OfType<string>()];
        List<object?> From(string name) => policies[$"caracal-{name}"].List("ingress", "0", "from");
    }

    [Fact]
    public void Rollouts_keep_evidence_and_capacity()
    {
        foreach (var name in (string[])["sts", "gateway", "api", "coordinator"])
        {
            var set = Objects.Single(item => item.Text("kind") == "StatefulSet" && item.Text("metadata", "name") == name).Map("spec");
            Assert.Equal("1Gi", set.Text("volumeClaimTemplates", "0", "spec", "resources", "requests", "storage"));
            Assert.Contains(set.List("template", "spec", "containers", "0", "env"), variable => variable.Text("name") == "AUDIT_REPLAY_DIR" && variable.Text("value")!.StartsWith("/var/lib/caracal", StringComparison.Ordinal));
            Assert.Contains(set.List("template", "spec", "containers", "0", "volumeMounts"), mount => mount.Text("mountPath") == "/var/lib/caracal" && mount.Text("name") == "data");
        }

        foreach (var name in (string[])["sts", "gateway", "api", "coordinator", "audit", "console"])
        {
            Assert.Equal("50%", Objects.Single(item => item.Text("kind") == "PodDisruptionBudget" && item.Text("metadata", "name") == name).Text("spec", "minAvailable"));
            var scaler = Objects.Single(item => item.Text("kind") == "HorizontalPodAutoscaler" && item.Text("metadata", "name") == name);
            Assert.Equal(("2", name == "gateway" ? "16" : "8"), (scaler.Text("spec", "minReplicas"), scaler.Text("spec", "maxReplicas")));
            var container = Pods().Single(pod => pod.Name == name).Spec.At("containers", "0");
            Assert.Equal("/app/caracal healthcheck " + name, string.Join(' ', container.List("readinessProbe", "exec", "command")));
            Assert.Equal("5", container.Text("lifecycle", "preStop", "sleep", "seconds"));
        }

        Assert.All(Objects.Where(item => item.Text("kind") == "Service"), service => Assert.Equal("ClusterIP", service.Text("spec", "type")));
    }

    private static IEnumerable<(string Name, Dictionary<object, object?> Spec)> Pods() => Objects
        .Where(item => item.At("spec", "template", "spec") is not null)
        .Select(item => (item.Text("metadata", "name")!, item.Map("spec", "template", "spec")));
}
