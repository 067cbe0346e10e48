using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>The packaged single-host deployment: its containers, its order, its secrets, and what <c>harden</c> says of it.</summary>
public sealed class ComposeTests
{
    private static readonly Dictionary<object, object?> Services = Yaml.One(File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "compose.yaml"))).Map("services");
    private static readonly string[] Roles = ["sts", "api", "gateway", "coordinator", "audit", "console"];

    /// <summary>The files of secrets that each service gets.</summary>
    internal static readonly IReadOnlyDictionary<string, string[]> Projections = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["sts"] = ["zoneKek", "auditHmacKey", "streamsHmacKey", "gatewayStsHmacKey", "metricsBearer", "stsDatabaseUrl", "stsRedisUrl"],
        ["api"] = ["zoneKek", "auditHmacKey", "streamsHmacKey", "gatewayStsHmacKey", "caracalAdminToken", "metricsBearer", "consoleReportToken", "apiDatabaseUrl", "apiRedisUrl"],
        ["gateway"] = ["auditHmacKey", "streamsHmacKey", "gatewayStsHmacKey", "caracalAdminToken", "metricsBearer", "gatewayDatabaseUrl", "gatewayRedisUrl"],
        ["coordinator"] = ["auditHmacKey", "streamsHmacKey", "idempotencyHmacKey", "caracalCoordinatorToken", "metricsBearer", "coordinatorDatabaseUrl", "coordinatorRedisUrl"],
        ["audit"] = ["auditHmacKey", "streamsHmacKey", "auditCheckpointKey", "metricsBearer", "auditDatabaseUrl", "auditRedisUrl"],
        ["console"] = ["caracalAuthSecret", "metricsBearer", "consoleReportToken"],
    };

    [Fact]
    [Trait("requirement", "R118")]
    public void Every_container_runs_with_nothing_it_does_not_need() => Assert.All(Services, service =>
    {
        var name = (string)service.Key;
        Assert.Equal("true", service.Value.Text("read_only"));
        Assert.Equal(["ALL"], service.Value.List("cap_drop"));
        Assert.Equal(["no-new-privileges:true"], service.Value.List("security_opt"));
        Assert.NotNull(service.Value.Text("mem_limit"));
        Assert.NotNull(service.Value.Text("pids_limit"));
        if (name != "postgres") Assert.True(service.Value.Text("user") is { } user && !user.StartsWith('0') && service.Value.At("cap_add") is null, name);
        else Assert.Equal(["CHOWN", "DAC_READ_SEARCH", "FOWNER", "SETGID", "SETUID"], service.Value.List("cap_add"));
        Assert.All(service.Value.List("ports"), port => Assert.StartsWith("127.0.0.1:", (string?)port, StringComparison.Ordinal));
        Assert.All(service.Value.List("volumes"), volume => Assert.DoesNotContain("docker.sock", (string?)volume, StringComparison.Ordinal));
        Assert.DoesNotContain(service.Value.Map("environment"), variable => ((string)variable.Key).EndsWith("_KEY", StringComparison.Ordinal) || ((string)variable.Key).EndsWith("_TOKEN", StringComparison.Ordinal) || ((string)variable.Key).EndsWith("PASSWORD", StringComparison.Ordinal));
    });

    [Fact]
    [Trait("requirement", "R42")]
    public void Stores_come_first_then_the_schema_then_each_service_after_those_it_calls()
    {
        Assert.Equal(["postgres", "redis"], After("provision"));
        Assert.Equal(["provision"], After("sts"));
        Assert.Equal(["provision"], After("audit"));
        Assert.Equal(["sts", "audit"], After("api"));
        Assert.Equal(["sts", "audit"], After("coordinator"));
        Assert.Equal(["sts", "api", "coordinator"], After("gateway"));
        Assert.Equal(["api"], After("console"));
        Assert.Equal("service_completed_successfully", Services.Text("sts", "depends_on", "provision", "condition"));
        foreach (var role in Roles)
        {
            Assert.Equal($"CMD /app/caracal healthcheck {role}", string.Join(' ', Services.List(role, "healthcheck", "test")));
            Assert.Contains($"./secrets/{role}:/run/secrets:ro", Services.List(role, "volumes"));
        }

        foreach (var role in (string[])["sts", "api", "gateway", "coordinator"])
        {
            Assert.Contains($"{role}Replay:/var/lib/caracal", Services.List(role, "volumes"));
            Assert.StartsWith("/var/lib/caracal", Services.Text(role, "environment", "AUDIT_REPLAY_DIR"), StringComparison.Ordinal);
        }

        static IEnumerable<object> After(string name) => Services.Map(name, "depends_on").Keys;
    }

    [Fact]
    [Trait("requirement", "R42")]
    public async Task Prepared_secrets_are_one_purpose_each_and_harden_finds_no_failure()
    {
        using var running = new Running();
        var folder = Path.Combine(running.Home, "compose");
        Directory.CreateDirectory(folder);
        await PrepareAsync(folder);
        var first = Read(folder);
        await PrepareAsync(folder);
        Assert.Equal(first, Read(folder)); // what is there is kept
        foreach (var (role, files) in Projections)
        {
            Assert.Equal(files.Order(StringComparer.Ordinal), Directory.GetFiles(Path.Combine(folder, "secrets", role)).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));
            foreach (var file in Directory.GetFiles(Path.Combine(folder, "secrets", role)))
            {
                if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        var keys = first.Where(file => file.Key.Contains("/operator/", StringComparison.Ordinal)).Select(file => file.Value).ToList();
        Assert.Equal(keys.Count, keys.Distinct(StringComparer.Ordinal).Count());

        Configure(running, folder);
        var (exit, output, error) = await running.RunAsync("harden", "--json", "--skip", "H-RED-1,H-ENF-1,H-ENF-2,H-ENF-3,H-MON-1,H-MON-2,H-MON-4,H-TLS-5");
        Assert.Equal("", error);
        var failed = JsonDocument.Parse(output).RootElement.GetProperty("checks").EnumerateArray().Where(check => check.GetProperty("status").GetString() == "fail")
            .Select(check => $"{check.GetProperty("id")}: {check.GetProperty("detail")}");
        Assert.Equal("", string.Join('\n', failed));
        Assert.Equal(0, exit);
    }

    [Fact]
    public async Task Preparing_again_keeps_rotated_secrets_and_gives_services_every_slot_of_them()
    {
        using var running = new Running();
        var folder = Path.Combine(running.Home, "compose");
        Directory.CreateDirectory(folder);
        await PrepareAsync(folder);
        const string Rotated = "postgres://caracalsts_b:other@postgres:5432/caracal";
        string[] slots = ["stsDatabaseUrl", "stsDatabaseUrl.id", "stsDatabaseUrl.previous", "stsDatabaseUrl.previous.id", "zoneKek.next", "zoneKek.next.id"];
        foreach (var slot in slots) Write("operator", slot, slot == "stsDatabaseUrl" ? Rotated : slot);
        Write("gateway", "gatewayRedisUrl", "redis://in-place"); // younger than the operator's
        Write("api", "metricsBearer.previous", "gone meanwhile");
        Write("operator", "auditHmacKey.archive", "of sealed epochs");
        var tls = Path.Combine(folder, "tls", "tls.crt");
        File.WriteAllText(tls, "renewed");
        await PrepareAsync(folder);

        Assert.Equal(Rotated, Text("operator", "stsDatabaseUrl"));
        Assert.All(slots, slot => Assert.Equal(Text("operator", slot), Text("sts", slot)));
        Assert.Equal(["zoneKek", "zoneKek.next", "zoneKek.next.id"], Directory.GetFiles(Of("api"), "zoneKek*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("redis://in-place", Text("gateway", "gatewayRedisUrl"));
        Assert.False(File.Exists(Path.Combine(Of("api"), "metricsBearer.previous")));
        Assert.Equal("of sealed epochs", Text("audit", "auditHmacKey.archive"));
        Assert.All((string[])["sts", "api", "gateway", "coordinator"], service => Assert.False(File.Exists(Path.Combine(Of(service), "auditHmacKey.archive"))));
        Assert.Equal("renewed", Text("edge", "tls.crt"));
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "tls", "tls.key")), Text("edge", "tls.key"));
        var edge = Yaml.One(File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "compose.edge.yaml"))).Map("services");
        Assert.Contains("./secrets/edge:/run/tls:ro", edge.List("edge", "volumes"));

        string Of(string service) => Path.Combine(folder, "secrets", service);
        string Text(string service, string name) => File.ReadAllText(Path.Combine(Of(service), name));
        void Write(string service, string name, string text) => File.WriteAllText(Path.Combine(Of(service), name), text);
    }

    [Fact]
    public void The_edge_shows_no_metrics_and_nothing_internal()
    {
        var servers = File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "edge.conf")).Split("server {")[1..];
        Assert.Equal(3, servers.Length);
        Assert.All(servers, server =>
        {
            var hidden = Regex.Match(server, @"location ~\* (?<pattern>\S+) \{ return 404; \}").Groups["pattern"].Value; // of letters in any case
            foreach (var path in (string[])["/metrics", "/metrics.json", "/api/metrics", "/API/Metrics", "/internal/keys", "/Internal/keys"]) Assert.Matches(new Regex(hidden, RegexOptions.IgnoreCase), path);
            foreach (var path in (string[])["/v1/zones", "/oauth/2/token", "/api/metric", "/ready"]) Assert.DoesNotMatch(new Regex(hidden, RegexOptions.IgnoreCase), path);
        });
    }

    // The variables that each service would see, and where the operator finds the services.
    private static void Configure(Running running, string folder)
    {
        foreach (var role in Roles)
        {
            foreach (var (name, value) in Services.Map(role, "environment"))
            {
                if ((string)name is "CARACAL_HOME" or "CARACAL_SECRETS_DIR" or "AUDIT_REPLAY_DIR") continue; // paths inside of the container
                var text = Regex.Replace((string)value!, @"\$\{CARACAL_STS_URL:[^}]*\}", "https://sts.example.com");
                running.Set($"{role.ToUpperInvariant()}__{name}", text.Replace("${UPSTREAM_HOST_ALLOWLIST:-}", "api.example.com", StringComparison.Ordinal).Replace("/run/tls", Path.Combine(folder, "tls"), StringComparison.Ordinal));
            }
        }

        running.Set("CARACAL_SECRETS_DIR", Path.Combine(folder, "secrets", "operator"));
        foreach (var service in (string[])["STS", "API", "GATEWAY", "COORDINATOR"]) running.Set($"CARACAL_{service}_URL", $"https://{service.ToLowerInvariant()}.example.com");
    }

    internal static async Task PrepareAsync(string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Yaml.Deploy, "compose", "prepare.sh"), folder) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, said);
    }

    private static SortedDictionary<string, string> Read(string folder) => new(
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => file[folder.Length..], File.ReadAllText), StringComparer.Ordinal);
}
