using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tests;

public sealed class StackTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-stack-");
    private readonly StringWriter log = new();

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_refused_configuration_names_every_fault_of_every_role_and_opens_no_port()
    {
        var options = Options(new() { ["CARACAL_MODE"] = "stable", ["STS__OPA_POLL_SECONDS"] = "0", ["AUDIT_MAX_DELIVERIES"] = "none" }, provision: false);

        var refused = await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default));

        Assert.Contains(refused.Faults, fault => fault.StartsWith("ZONE_KEK is required", StringComparison.Ordinal));
        Assert.Contains(refused.Faults, fault => fault.StartsWith("AUDIT_HMAC_KEY is required", StringComparison.Ordinal) && fault.Contains("gateway", StringComparison.Ordinal));
        Assert.Contains(refused.Faults, fault => fault.Contains("OPA_POLL_SECONDS", StringComparison.Ordinal));
        Assert.Contains(refused.Faults, fault => fault.Contains("AUDIT_MAX_DELIVERIES", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("requirement", "R83")]
    public async Task One_store_without_the_other_is_refused_and_no_password_is_told()
    {
        var options = Options(new() { ["DATABASE_URL"] = "postgres://caracal:hunter2@db/caracal" });

        var refused = await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default));

        Assert.Contains(refused.Faults, fault => fault.StartsWith("REDIS_URL is required beside DATABASE_URL", StringComparison.Ordinal));
        Assert.DoesNotContain("hunter2", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")]
    [InlineData("OTEL_TRACES_SAMPLER_ARG", "1.5")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "drill")]
    public async Task A_trace_setting_that_says_nothing_we_know_is_refused(string name, string value)
    {
        var refused = await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(Options(new() { [name] = value }), default));

        Assert.StartsWith(name + " must be ", Assert.Single(refused.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_of_the_roles_without_stores_is_refused()
    {
        var options = Options() with { Roles = [StackRoles.Sts, StackRoles.Gateway] };

        var refused = await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default));

        Assert.Equal(["DATABASE_URL is required (sts, gateway)", "REDIS_URL is required (sts, gateway)"], refused.Faults.Order());
    }

    [Fact]
    public async Task A_role_that_alone_has_no_stores_is_refused_instead_of_keeping_a_truth_of_its_own()
    {
        var options = Options(new() { ["STS__DATABASE_URL"] = "postgres://a@127.0.0.1/b", ["STS__REDIS_URL"] = "redis://127.0.0.1" });

        var refused = await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default));

        Assert.Contains(refused.Faults, fault => fault.Contains("other roles of this process have theirs (audit, coordinator, api, gateway)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("redis://redis.example.com", true)]
    [InlineData("redis://10.1.2.3", true)]
    [InlineData("rediss://redis.example.com", false)]
    [InlineData("redis://redis", false)]
    [InlineData("redis://127.0.0.1", false)]
    public async Task A_published_mode_refuses_plain_redis_on_another_machine(string url, bool refused)
    {
        var options = Options(new() { ["CARACAL_MODE"] = "stable", ["DATABASE_URL"] = "postgres://a@127.0.0.1/b", ["REDIS_URL"] = url, ["STS__OPA_POLL_SECONDS"] = "0" });

        var faults = (await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default))).Faults;

        Assert.Equal(refused, faults.Any(fault => fault.StartsWith("REDIS_URL must use rediss://", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_published_mode_guesses_no_address_of_a_role_in_another_process()
    {
        var options = Options(new() { ["CARACAL_MODE"] = "stable", ["DATABASE_URL"] = "postgres://a@127.0.0.1/b", ["REDIS_URL"] = "redis://127.0.0.1" })
            with
        { Roles = [StackRoles.Gateway, StackRoles.Coordinator] };

        var faults = (await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default))).Faults;

        Assert.Contains(faults, fault => fault.StartsWith("STS_URL is required", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.StartsWith("ISSUER_URL is required", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("https://sts.example.com", null, false)]
    [InlineData("http://sts.example.com", "true", true)]
    [InlineData("http://sts", "true", false)]
    [InlineData("http://sts", null, true)]
    public async Task A_published_gateway_reaches_the_sts_by_https_or_says_that_it_is_near(string url, string? insecure, bool refused)
    {
        var options = Options(new()
        {
            ["CARACAL_MODE"] = "stable",
            ["DATABASE_URL"] = "postgres://a@127.0.0.1/b",
            ["REDIS_URL"] = "redis://127.0.0.1",
            ["STS_URL"] = url,
            ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = insecure,
        }) with
        { Roles = [StackRoles.Gateway] };

        var faults = (await Assert.ThrowsAsync<SettingsException>(() => CaracalStack.StartAsync(options, default))).Faults;

        Assert.Equal(refused, faults.Any(fault => fault.StartsWith("STS_URL must use https", StringComparison.Ordinal)));
    }

    [Fact]
    [Trait("requirement", "R33")]
    public async Task Every_role_is_ready_on_a_port_of_its_own_and_the_plain_port_means_nothing()
    {
        await using var stack = await CaracalStack.StartAsync(Options(new() { ["PORT"] = "1" }), default);
        using var http = new HttpClient();

        Assert.Equal(StackRoles.All.Order(), stack.Urls.Keys.Order());
        foreach (var (role, url) in stack.Urls)
        {
            var ready = await http.GetAsync(url + "/ready");
            Assert.True(ready.StatusCode == HttpStatusCode.OK, $"{role}: {await ready.Content.ReadAsStringAsync()}");
        }
    }

    [Fact]
    public async Task What_was_written_survives_a_restart_and_the_log_holds_no_secret()
    {
        var admin = "";
        await using (var stack = await CaracalStack.StartAsync(Options(), default))
        {
            admin = await File.ReadAllTextAsync(Path.Combine(Secrets, "caracalAdminToken"));
            using var http = Client(admin);
            var created = await http.PostAsJsonAsync(stack.Urls["api"] + "/v1/zones", new { name = "Pied Piper" });
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        }

        await using (var again = await CaracalStack.StartAsync(Options(), default))
        {
            using var http = Client(admin);
            var zones = await http.GetFromJsonAsync<JsonElement>(again.Urls["api"] + "/v1/zones");
            Assert.Equal("Pied Piper", zones.GetProperty("items")[0].GetProperty("name").GetString());
        }

        Assert.DoesNotContain(admin, log.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"step\":\"stores\"", log.ToString(), StringComparison.Ordinal);
    }

    private static HttpClient Client(string token) =>
        new() { DefaultRequestHeaders = { Authorization = new("Bearer", token) } };

    private StackOptions Options(Dictionary<string, string?>? more = null, bool provision = true)
    {
        if (provision) SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Path.Combine(folder.FullName, "data"));
        var variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal) { ["CARACAL_MODE"] = "dev" };
        if (provision) variables["CARACAL_SECRETS_DIR"] = Secrets;
        foreach (var (name, value) in more ?? []) variables[name] = value;
        return new StackOptions
        {
            Variables = variables,
            DataDirectory = Path.Combine(folder.FullName, "data"),
            Log = TextWriter.Synchronized(log),
        };
    }
}
