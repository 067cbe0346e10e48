namespace Caracal.Cli.Tests.Deploy;

/// <summary>What the chart puts into a cluster.</summary>
public sealed class ChartTests
{
    private static readonly (string, string)[] Production =
    [
        ("global.tag", "v1.0.0"), ("secrets.runtimeSecretName", "caracal-runtime"), ("issuerUrl", "https://sts.example.com"),
        ("stores.postgres.cidr", "10.1.2.3/32"), ("stores.redis.cidr", "10.1.2.4/32"), ("tls.gatewaySecretName", "gateway-tls"),
    ];

    private static readonly (string, string)[] Outside =
    [
        ("ingress.sts.enabled", "true"), ("ingress.sts.host", "sts.example.com"), ("ingress.sts.tlsSecretName", "sts-tls"),
        ("networkPolicy.extraIngress", "{sts: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}}]}]}"),
    ];

    /// <summary>What the chart renders for production.</summary>
    internal static List<Dictionary<object, object?>> Objects => new ChartRenderer(Production).Render();

    [Theory]
    [Trait("requirement", "R117 (networkPolicy.enabled)")]
    [InlineData("global.tag", "", "a deployment names its version")]
    [InlineData("secrets.runtimeSecretName", "", "secrets.runtimeSecretName is required")]
    [InlineData("issuerUrl", "", "issuerUrl is required")]
    [InlineData("secrets.create", "true", "refused in stable")]
    [InlineData("stores.postgres.cidr", "", "stores.postgres.cidr is required")]
    [InlineData("stores.redis.cidr", "", "stores.redis.cidr is required")]
    [InlineData("networkPolicy.enabled", "false", "refused in stable")]
    [InlineData("networkPolicy.dnsEgress", "[]", "no DNS egress rule")]
    [InlineData("global.evaluation", "true", "global.evaluation is refused in stable")]
    [InlineData("replayPersistence.enabled", "false", "evidence would die with its pod")]
    public void Refuses_values_that_are_unsafe(string path, string value, string says)
    {
        var refused = Assert.Throws<ChartRefusedException>(() => new ChartRenderer([.. Production, (path, value)]).Render());
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ingress.sts.host", "", "needs its host")]
    [InlineData("ingress.sts.tlsSecretName", "", "ingress without tlsSecretName")]
    [InlineData("networkPolicy.extraIngress", "{}", "ingress without networkPolicy.extraIngress")]
    [InlineData("networkPolicy.extraIngress", "{api: [{from: [{podSelector: {}}]}]}", "ingress without networkPolicy.extraIngress")]
    public void Refuses_a_way_in_that_is_open_or_leads_nowhere(string path, string value, string says)
    {
        var refused = Assert.Throws<ChartRefusedException>(() => new ChartRenderer([.. Production, .. Outside, (path, value)]).Render());
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_way_in_leads_to_what_callers_need_and_the_controller_may_take_it()
    {
        var objects = new ChartRenderer([.. Production, .. Outside, ("ingress.sts.annotations", "{owner: edge}"), ("ingress.sts.className", "internal")]).Render();
        var ingress = objects.Single(item => item.Text("kind") == "Ingress");
        Assert.Equal(("sts", "internal", "edge"), (ingress.Text("metadata", "name"), ingress.Text("spec", "ingressClassName"), ingress.Text("metadata", "annotations", "owner")));
        Assert.Equal(("sts.example.com", "sts-tls"), (ingress.Text("spec", "tls", "0", "hosts", "0"), ingress.Text("spec", "tls", "0", "secretName")));
        var paths = ingress.List("spec", "rules", "0", "http", "paths");
        Assert.Contains(paths, path => path.Text("path") == "/oauth/2" && path.Text("backend", "service", "name") == "sts");
        Assert.DoesNotContain(paths, path => path.Text("path") is "/" or "/metrics" or "/internal");
        var policy = objects.Single(item => item.Text("kind") == "NetworkPolicy" && item.Text("metadata", "name") == "caracal-sts");
        Assert.Equal("edge", policy.Text("spec", "ingress", "1", "from", "0", "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name"));
        Assert.DoesNotContain(Objects, item => item.Text("kind") == "Ingress");
    }

    [Fact]
    [Trait("requirement", "R118")]
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
    [Trait("requirement", "R119")]
    public void Secrets_are_files_and_each_service_gets_its_own_only()
    {
        Assert.DoesNotContain(Objects, item => item.Text("kind") == "Secret");
        foreach (var (name, spec) in Pods().Where(pod => pod.Name != "caracal-provision"))
        {
            var items = spec.List("volumes").Single(volume => volume.Text("name") == "secrets").List("projected", "sources", "0", "secret", "items").Select(item => item.Text("key")).ToList();
            Assert.Equal(ComposeTests.Projections[name], items);
            var beside = spec.List("volumes").Single(volume => volume.Text("name") == "secrets").At("projected", "sources", "1", "secret");
            string[] slots = [.. items.SelectMany(key => (string[])[key + ".id", key + ".next", key + ".next.id", key + ".previous", key + ".previous.id"]), .. name == "audit" ? ["auditHmacKey.archive"] : Array.Empty<string>()];
            Assert.Equal("true", beside.Text("optional")); // there only while a rotation is open
            Assert.Equal(slots, beside.List("items").Select(item => item.Text("path")));
            Assert.All(spec.List("containers", "0", "env"), variable => Assert.Null(variable.At("valueFrom", "secretKeyRef")));
        }
    }

    [Fact]
    [Trait("requirement", "R117")]
    public void Nothing_is_reached_unless_a_policy_says_so()
    {
        var policies = Objects.Where(item => item.Text("kind") == "NetworkPolicy").ToDictionary(item => item.Text("metadata", "name")!, item => item.Map("spec"), StringComparer.Ordinal);
        var deny = policies["caracal-default-deny"];
        Assert.Equal(["Ingress", "Egress"], deny.List("policyTypes"));
        Assert.True(deny.At("ingress") is null && deny.At("egress") is null);
        Assert.Equal("caracal", deny.Text("podSelector", "matchLabels", "app.kubernetes.io/part-of"));

        Assert.Equal(["api"], Callers("audit"));
        Assert.Equal(["api"], Callers("coordinator"));
        Assert.All((string[])["sts", "api", "gateway", "coordinator", "audit", "console"], name => Assert.Equal(["monitoring"], Namespaces(name)));
        Assert.Equal(["audit", "gateway", "sts"], policies.Where(policy => policy.Value.List("egress").Any(rule => rule.Text("ports", "0", "port") == "443")).Select(policy => policy.Key["caracal-".Length..]).Order(StringComparer.Ordinal));
        Assert.All(policies.Values.SelectMany(policy => policy.List("egress")), rule => Assert.NotEmpty(rule.List("to"))); // no port is open towards everybody

        List<string?> Callers(string name) => [.. From(name).Select(from => from.Text("podSelector", "matchLabels", "app.kubernetes.io/component")).OfType<string>()];
        List<string?> Namespaces(string name) => [.. From(name).Select(from => from.Text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")).OfType<string>()];
        List<object?> From(string name) => policies[$"caracal-{name}"].List("ingress", "0", "from");
    }

    [Fact]
    [Trait("requirement", "R131")]
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

    [Fact]
    public void A_kubelet_asks_whether_a_pod_lives_and_another_question_whether_it_is_ready()
    {
        Assert.All(Pods().Where(pod => pod.Name != "caracal-provision"), pod =>
        {
            var container = pod.Spec.At("containers", "0");
            foreach (var probe in (string[])["startupProbe", "livenessProbe"])
            {
                Assert.Equal(("/health", "http", pod.Name == "gateway" ? "HTTPS" : "HTTP"), (container.Text(probe, "httpGet", "path"), container.Text(probe, "httpGet", "port"), container.Text(probe, "httpGet", "scheme")));
            }

            Assert.Equal("/app/caracal", container.Text("readinessProbe", "exec", "command", "0"));
        });
        var plain = Pods(new ChartRenderer([.. Production, ("tls.gatewaySecretName", "")]).Render()).Single(pod => pod.Name == "gateway");
        Assert.Equal("HTTP", plain.Spec.Text("containers", "0", "livenessProbe", "httpGet", "scheme"));
    }

    [Fact]
    public void Prometheus_scrapes_each_service_as_the_job_that_the_rules_know()
    {
        var objects = new ChartRenderer([.. Production, ("serviceMonitor.enabled", "true"), ("serviceMonitor.labels", "{release: prometheus}")]).Render();
        var monitors = objects.Where(item => item.Text("kind") == "ServiceMonitor").ToList();
        Assert.Equal(["api", "audit", "console", "coordinator", "gateway", "sts"], monitors.Select(Component).Order(StringComparer.Ordinal));
        Assert.All(monitors, monitor =>
        {
            var endpoint = Assert.Single(monitor.List("spec", "endpoints"));
            Assert.Equal(("job", "caracal-" + Component(monitor)), (endpoint.Text("relabelings", "0", "targetLabel"), endpoint.Text("relabelings", "0", "replacement")));
            Assert.Equal("metricsBearer", endpoint.Text("authorization", "credentials", "key"));
            Assert.Equal("prometheus", monitor.Text("metadata", "labels", "release"));
            var isGateway = Component(monitor) == "gateway";
            Assert.Equal(isGateway ? ("https", "gateway", "gateway-tls") : default, (endpoint.Text("scheme"), endpoint.Text("tlsConfig", "serverName"), endpoint.Text("tlsConfig", "ca", "secret", "name")));
        });
        Assert.All(objects.Where(item => item.Text("kind") == "Service"), service => Assert.Equal("caracal", service.Text("metadata", "labels", "app.kubernetes.io/part-of")));
        var plain = new ChartRenderer([.. Production, ("serviceMonitor.enabled", "true"), ("tls.gatewaySecretName", "")]).Render();
        Assert.DoesNotContain(plain.Where(item => item.Text("kind") == "ServiceMonitor"), monitor => monitor.At("spec", "endpoints", "0", "scheme") is not null);

        static string? Component(Dictionary<object, object?> monitor) => monitor.Text("spec", "selector", "matchLabels", "app.kubernetes.io/component");
    }

    [Fact]
    public void The_rules_in_the_chart_are_those_beside_it()
    {
        var beside = File.ReadAllText(Path.Combine(Yaml.Deploy, "prometheus", "caracal.rules.yml"));
        Assert.Equal(beside, File.ReadAllText(Path.Combine(Yaml.Deploy, "helm", "caracal", "files", "caracal.rules.yml"))); // copy it there again
        var rules = Assert.Single(new ChartRenderer([.. Production, ("alertRules.enabled", "true")]).Render(), item => item.Text("kind") == "PrometheusRule");
        Assert.Equal(Written(Yaml.One(beside).List("groups")), Written(rules.List("spec", "groups")));
        Assert.DoesNotContain(Objects, item => item.Text("kind") == "PrometheusRule");

        static string Written(List<object?> list) => new YamlDotNet.Serialization.SerializerBuilder().Build().Serialize(list);
    }

    [Fact]
    public void What_a_cluster_asks_of_its_pods_is_said_once_for_all()
    {
        var objects = new ChartRenderer(
        [
            .. Production, ("global.registry", "registry.example.com/team"), ("global.podLabels", "{cost: platform}"), ("scheduling.nodeSelector", "{disk: ssd}"),
            ("scheduling.tolerations", "[{key: dedicated, operator: Exists}]"), ("scheduling.priorityClassName", "high"), ("services.sts.env", "{TRUST_PROXY: 'true'}"),
        ]).Render();
        Assert.All(Pods(objects), pod =>
        {
            Assert.Equal("registry.example.com/team/caracal-server:v1.0.0", pod.Spec.Text("containers", "0", "image"));
            Assert.Equal(("ssd", "dedicated", "high"), (pod.Spec.Text("nodeSelector", "disk"), pod.Spec.Text("tolerations", "0", "key"), pod.Spec.Text("priorityClassName")));
            Assert.Equal(pod.Name == "sts", pod.Spec.List("containers", "0", "env").Any(variable => variable.Text("name") == "TRUST_PROXY" && variable.Text("value") == "true"));
        });
        Assert.All(objects.Where(item => item.At("spec", "template") is not null), item => Assert.Equal("platform", item.Text("spec", "template", "metadata", "labels", "cost")));
    }

    [Fact]
    public void Names_and_the_world_outside_are_opened_by_what_is_said()
    {
        var narrow = new ChartRenderer([.. Production, ("networkPolicy.allowOpenHttps", "false"), ("networkPolicy.dnsEgress", "[{ipBlock: {cidr: 10.0.0.53/32}}]"), ("networkPolicy.extraEgress", "{gateway: [{to: [{ipBlock: {cidr: 10.9.0.0/16}}], ports: [{port: 8443}]}]}")]).Render();
        var rules = Policies(narrow).ToDictionary(policy => policy.Text("metadata", "name")!, policy => policy.List("spec", "egress"), StringComparer.Ordinal);
        Assert.DoesNotContain(rules.Values.SelectMany(list => list), rule => rule.Text("ports", "0", "port") == "443");
        Assert.All(rules.Where(policy => policy.Key != "caracal-default-deny"), policy => Assert.Equal("10.0.0.53/32", policy.Value.Single(rule => rule.Text("ports", "0", "port") == "53").Text("to", "0", "ipBlock", "cidr")));
        Assert.Equal(["caracal-gateway"], rules.Where(policy => policy.Value.Any(rule => rule.Text("ports", "0", "port") == "8443")).Select(policy => policy.Key));

        var open = new ChartRenderer([.. Production, ("networkPolicy.allowOpenDns", "true"), ("networkPolicy.dnsEgress", "[]")]).Render();
        Assert.All(Policies(open).Where(policy => policy.Text("metadata", "name") != "caracal-default-deny"), policy => Assert.Equal(["0.0.0.0/0", "::/0"], policy.List("spec", "egress").Single(rule => rule.Text("ports", "0", "port") == "53").List("to").Select(to => to.Text("ipBlock", "cidr"))));

        static IEnumerable<Dictionary<object, object?>> Policies(List<Dictionary<object, object?>> objects) => objects.Where(item => item.Text("kind") == "NetworkPolicy");
    }

    [Fact]
    public void Control_is_off_and_when_on_its_gate_is_a_file_that_comes_and_goes()
    {
        Assert.DoesNotContain(Pods(), pod => pod.Spec.List("containers", "0", "env").Any(variable => variable.Text("name") == "CARACAL_CONTROL_ENABLED"));
        foreach (var open in (bool[])[true, false])
        {
            var objects = new ChartRenderer([.. Production, ("control.enabled", "true"), ("control.open", open ? "true" : "false")]).Render();
            var pod = Assert.Single(Pods(objects), pod => pod.Spec.List("containers", "0", "env").Any(variable => variable.Text("name") == "CARACAL_CONTROL_ENABLED"));
            var env = pod.Spec.List("containers", "0", "env").ToDictionary(variable => variable.Text("name")!, variable => variable.Text("value"), StringComparer.Ordinal);
            Assert.Equal(("api", "/run/control/open", "/run/secrets/caracal/controlApiToken"), (pod.Name, env["CONTROL_GATE_FILE"], env["CONTROL_API_TOKEN_FILE"]));
            Assert.Equal(("http://sts:8080/.well-known/jwks.json", "https://sts.example.com"), (env["STS_JWKS_URL"], env["STS_ISSUER_URL"]));
            Assert.Contains(pod.Spec.List("containers", "0", "volumeMounts"), mount => mount.Text("mountPath") == "/run/control" && mount.At("subPath") is null);
            var keys = pod.Spec.List("volumes").Single(volume => volume.Text("name") == "secrets").List("projected", "sources", "0", "secret", "items").Select(item => item.Text("key"));
            Assert.Equal([.. ComposeTests.Projections["api"], "controlApiToken", "caracalCoordinatorToken"], keys);
            Assert.Equal(open, objects.Single(item => item.Text("kind") == "ConfigMap").At("data", "open") is not null);
        }
    }

    [Fact]
    public void An_evaluation_runs_one_of_each_and_nothing_that_would_hold_it()
    {
        var objects = new ChartRenderer([.. Production, ("global.mode", "rc"), ("global.evaluation", "true"), ("replayPersistence.enabled", "false")]).Render();
        Assert.All(objects.Where(item => item.At("spec", "replicas") is not null), item => Assert.Equal("1", item.Text("spec", "replicas")));
        Assert.DoesNotContain(objects, item => item.Text("kind") is "HorizontalPodAutoscaler" or "PodDisruptionBudget" || item.At("spec", "volumeClaimTemplates") is not null);
        Assert.All(Pods(objects).Where(pod => pod.Name != "caracal-provision"), pod => Assert.Contains(pod.Spec.List("volumes"), volume => volume.Text("name") == "data" && volume.At("emptyDir") is not null));

        var fast = new ChartRenderer([.. Production, ("replayPersistence.size", "5Gi"), ("replayPersistence.storageClass", "fast")]).Render();
        Assert.All(fast.Where(item => item.Text("kind") == "StatefulSet"), item => Assert.Equal(("fast", "5Gi"), (item.Text("spec", "volumeClaimTemplates", "0", "spec", "storageClassName"), item.Text("spec", "volumeClaimTemplates", "0", "spec", "resources", "requests", "storage"))));
    }

    private static IEnumerable<(string Name, Dictionary<object, object?> Spec)> Pods() => Pods(Objects);

    private static IEnumerable<(string Name, Dictionary<object, object?> Spec)> Pods(List<Dictionary<object, object?>> objects) => objects
        .Where(item => item.At("spec", "template", "spec") is not null)
        .Select(item => (item.Text("metadata", "name")!, item.Map("spec", "template", "spec")));
}
