using System.Xml.Linq;
using Caracal.Stack;
using Caracal.TestKit;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>systemd units, the image, and what a container engine asks.</summary>
public sealed class HostUnitTests
{
    [Theory]
    [Trait("requirement", "R118")]
    [InlineData("NoNewPrivileges", "yes")]
    [InlineData("CapabilityBoundingSet", "")]
    [InlineData("ProtectSystem", "strict")]
    [InlineData("ProtectHome", "yes")]
    [InlineData("PrivateDevices", "yes")]
    [InlineData("User", "caracal")]
    [InlineData("UMask", "0077")]
    [InlineData("StateDirectoryMode", "0700")]
    [InlineData("RestrictNamespaces", "yes")]
    [InlineData("RestrictRealtime", "yes")]
    [InlineData("RestartPreventExitStatus", "78")] // a refused configuration does not become right by trying again
    public void A_unit_gives_its_role_nothing_it_does_not_need(string setting, string value)
    {
        var unit = File.ReadAllLines(Path.Combine(Yaml.Deploy, "systemd", "caracal@.service"));
        Assert.Equal($"{setting}={value}", Assert.Single(unit, line => line.StartsWith(setting + "=", StringComparison.Ordinal)));
        Assert.DoesNotContain(unit, line => line.Contains("_KEY=", StringComparison.Ordinal) || line.Contains("_TOKEN=", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("requirement", "R118")]
    public void A_unit_may_ask_the_system_for_its_own_business_and_for_batch_scheduling_only() => Assert.Equal(
        ["@system-service", "~@privileged @resources", "sched_setscheduler"],
        File.ReadAllLines(Path.Combine(Yaml.Deploy, "systemd", "caracal@.service"))
            .Where(line => line.StartsWith("SystemCallFilter=", StringComparison.Ordinal)).Select(line => line["SystemCallFilter=".Length..]));

    [Fact]
    public void The_target_wants_every_role() => Assert.Equal(
        StackRoles.All.Select(role => $"caracal@{role}.service").Order(StringComparer.Ordinal),
        Assert.Single(File.ReadAllLines(Path.Combine(Yaml.Deploy, "systemd", "caracal.target")), line => line.StartsWith("Wants=", StringComparison.Ordinal))["Wants=".Length..].Split(' ').Order(StringComparer.Ordinal));

    [Fact]
    [Trait("requirement", "R118")]
    public void The_image_is_not_root_and_has_no_shell()
    {
        var project = XDocument.Load(Path.Combine(Yaml.Deploy, "..", "src", "Caracal.Cli", "Caracal.Cli.csproj"));
        Assert.Equal("65532", project.Descendants("ContainerUser").Single().Value);
        Assert.Contains("chiseled", project.Descendants("ContainerFamily").Single().Value, StringComparison.Ordinal);
        Assert.Equal("/app/caracal", (string?)project.Descendants("ContainerAppCommand").Single().Attribute("Include"));
        var variables = project.Descendants("ContainerEnvironmentVariable").ToDictionary(item => (string)item.Attribute("Include")!, item => (string)item.Attribute("Value")!, StringComparer.Ordinal);
        Assert.Equal("/run/secrets", variables["CARACAL_SECRETS_DIR"]);
    }

    [Fact]
    public async Task A_healthcheck_knows_ready_from_not_and_trusts_one_certificate()
    {
        using var running = new Running();
        Assert.Contains("say which role", (await running.RunAsync("healthcheck")).Error, StringComparison.Ordinal);
        using var server = Hardening.ForeignServer.Http("{}");
        running.Set("STS__PORT", $"{server.Port}");
        Assert.Equal(0, (await running.RunAsync("healthcheck", "sts")).Exit);
        running.Set("STS__PORT", $"{FreePorts.Take(1)[0]}");
        Assert.Contains("does not answer", (await running.RunAsync("healthcheck", "sts")).Error, StringComparison.Ordinal);
        using var certificates = new CertificateFolder();
        running.Set("STS__PORT", $"{server.Port}");
        running.Set("TLS_CERT_FILE", certificates.Certificate);
        Assert.Equal(1, (await running.RunAsync("healthcheck", "sts")).Exit); // no TLS there
    }
}
