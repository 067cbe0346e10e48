using System.Text.Json;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>The command around the checks: what it prints, how it ends, what it mends.</summary>
public sealed class HardenCommandTests
{
    // Those that send requests or wait; they are tried on running services.
    private const string Live = "H-RED-1,H-ENF-1,H-ENF-2,H-ENF-3,H-MON-1,H-MON-2,H-MON-4";

    [Fact]
    [Trait("requirement", "R54")]
    public void Lists_every_check_of_the_specification_once()
    {
        string[] expected =
        [
            "H-MODE-1", "H-TLS-1", "H-TLS-2", "H-TLS-3", "H-TLS-4", "H-TLS-5", "H-TLS-6", "H-KEY-1", "H-KEY-2", "H-KEY-3", "H-KEY-4", "H-ROT-1",
            "H-SEC-1", "H-SEC-2", "H-SEC-3", "H-SEC-4", "H-SEC-5", "H-SEC-6", "H-RED-1", "H-RED-2", "H-RED-3", "H-RED-4", "H-RED-5",
            "H-NET-1", "H-NET-2", "H-NET-3", "H-NET-4", "H-NET-5", "H-NET-6", "H-PG-1", "H-PG-2", "H-PG-3", "H-POL-1", "H-POL-2",
            "H-ADM-1", "H-ADM-2", "H-ADM-3", "H-ADM-4", "H-CTR-1", "H-CTR-2", "H-CTR-3", "H-CTR-4", "H-CTR-5", "H-K8S-1", "H-K8S-2",
            "H-ENF-1", "H-ENF-2", "H-ENF-3", "H-MON-1", "H-MON-2", "H-MON-3", "H-MON-4", "H-BAK-1", "H-BAK-2", "H-BAK-3", "H-BAK-4",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), CheckList.All.Select(check => check.Id).Order(StringComparer.Ordinal));
        Assert.All(CheckList.All, check => Assert.True(check.Consequence.Length > 0 && check.Advice.Length > 0 && check.Expected.Length > 0, check.Id));
    }

    [Fact]
    [Trait("requirement", "R114")]
    public async Task A_good_deployment_has_no_failure_and_strict_still_minds_what_was_not_looked_at()
    {
        using var deployment = new GoodDeployment();
        var (exit, output, error) = await deployment.Running.RunAsync("harden", "--skip", Live);
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains(" 0 fail,", output, StringComparison.Ordinal);
        Assert.Contains("not evaluated", output, StringComparison.Ordinal);
        Assert.Equal(1, (await deployment.Running.RunAsync("harden", "--skip", Live, "--strict")).Exit);
        Assert.Equal(0, (await deployment.Running.RunAsync("harden", "--only", "H-MODE-1,H-SEC-2", "--strict")).Exit);
    }

    [Fact]
    public async Task Writes_SARIF_that_names_the_rule_the_level_and_no_secret()
    {
        using var deployment = new GoodDeployment();
        var secret = File.ReadAllText(deployment.Secret("auditHmacKey"));
        deployment.Set("AUDIT_HMAC_KEY", secret);
        var (exit, output, _) = await deployment.Running.RunAsync("harden", "--only", "H-SEC-1,H-CTR-1,H-MODE-1", "--sarif", "-");
        Assert.Equal(1, exit);
        Assert.DoesNotContain(secret, output, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(output);
        Assert.Equal("2.1.0", document.RootElement.GetProperty("version").GetString());
        var run = document.RootElement.GetProperty("runs")[0];
        var results = run.GetProperty("results").EnumerateArray().ToDictionary(
            result => result.GetProperty("ruleId").GetString()!, result => (result.GetProperty("kind").GetString(), result.GetProperty("level").GetString()));
        Assert.Equal(("fail", "error"), results["H-SEC-1"]);
        Assert.Equal(("pass", "none"), results["H-MODE-1"]);
        Assert.Equal(("open", "none"), results["H-CTR-1"]);
        Assert.Equal(3, run.GetProperty("tool").GetProperty("driver").GetProperty("rules").GetArrayLength());
    }

    [Fact]
    public async Task Refuses_a_check_and_a_flag_that_do_not_exist()
    {
        using var deployment = new GoodDeployment();
        Assert.Equal((1, "✗ there is no check 'H-TLS-99'\n"), Failure(await deployment.Running.RunAsync("harden", "--only", "H-TLS-99")));
        Assert.Equal((1, "✗ unknown flag --fixx\n"), Failure(await deployment.Running.RunAsync("harden", "--fixx")));
    }

    [Fact]
    public async Task Mends_a_weak_deployment_proves_it_and_names_what_only_a_person_can_mend()
    {
        using var deployment = new GoodDeployment();
        var leaked = File.ReadAllText(deployment.Secret("metricsBearer"));
        deployment.Running.Write(
            "caracal.env",
            $"""
             # kept
             LOG_LEVEL=warn
             CARACAL_MODE=dev
             GATEWAY__INSECURE_HTTP=true
             INSECURE_STS=1
             JTI_FAIL_OPEN=true
             ALLOW_PRIVATE_UPSTREAMS=true
             MAX_REQUEST_BYTES=99999999
             STS_TIMEOUT=60s
             METRICS_BEARER={leaked}
             """);
        deployment.Set("UPSTREAM_HOST_ALLOWLIST", null); // a warning that only a person can mend
        deployment.Set("STS_URL", "http://sts.example.com"); // and a failure
        File.Delete(deployment.Secret("streamsHmacKey"));
        File.Delete(deployment.Secret("gatewayStsHmacKey"));
        Directory.Delete(Path.Combine(deployment.Running.Home, "data", "journal", "api"));
        Widen(deployment.Secrets, UnixFileMode.OtherRead);
        Widen(deployment.Secret("zoneKek"), UnixFileMode.OtherRead);
        Widen(deployment.Secret("caracalAdminToken"), UnixFileMode.GroupRead);
        Widen(deployment.Certificates.Key, UnixFileMode.GroupRead);
        string[] mended = ["H-MODE-1", "H-TLS-3", "H-TLS-4", "H-KEY-2", "H-KEY-4", "H-SEC-1", "H-SEC-2", "H-RED-2", "H-NET-1", "H-NET-3", "H-NET-4", "H-BAK-4"];
        var before = Snapshot(deployment);

        var planned = await deployment.Running.RunAsync("harden", "--fix", "--skip", Live);
        Assert.Equal(1, planned.Exit);
        Assert.Contains("15 change(s) planned; nothing was changed", planned.Output, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot(deployment));

        var (exit, output, error) = await deployment.Running.RunAsync("harden", "--fix", "--yes", "--skip", Live);

        Assert.Equal((1, ""), (exit, error)); // what only a person can mend is left
        foreach (var id in mended) Assert.Contains($"✓ {id} mended and proved", output, StringComparison.Ordinal);
        Assert.Contains("fail  H-TLS-6", output, StringComparison.Ordinal);
        Assert.Contains("warn  H-NET-2", output, StringComparison.Ordinal);
        Assert.DoesNotContain(leaked, output, StringComparison.Ordinal);
        Assert.Equal("# kept\nLOG_LEVEL=warn", File.ReadAllText(Path.Combine(deployment.Running.Home, "caracal.env")));
        Assert.Equal(leaked, File.ReadAllText(deployment.Secret("metricsBearer")));
        var again = await deployment.Running.RunAsync("harden", "--fix", "--yes", "--skip", Live);
        Assert.Contains("there is nothing that this program can mend", again.Output, StringComparison.Ordinal);
    }

    private static (int, string) Failure((int Exit, string Output, string Error) run) => (run.Exit, run.Error);

    private static string Snapshot(GoodDeployment deployment) => string.Join('\n', Directory.GetFileSystemEntries(deployment.Running.Home, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal).Select(path => $"{path} {Mode(path)} {(File.Exists(path) ? File.ReadAllText(path) : "")}"));

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Interoperability", "CA1416", Justification = "The tests run on Linux.")]
    private static UnixFileMode Mode(string path) => File.GetUnixFileMode(path);

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Interoperability", "CA1416", Justification = "The tests run on Linux.")]
    private static void Widen(string path, UnixFileMode more) => File.SetUnixFileMode(path, File.GetUnixFileMode(path) | more);
}
