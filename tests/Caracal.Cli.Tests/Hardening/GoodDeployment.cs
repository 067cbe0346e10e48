using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.TestKit;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>Variables and files as they should be, with every check that needs nothing else passing; a test then breaks one thing.</summary>
internal sealed class GoodDeployment : IDisposable
{
    public GoodDeployment()
    {
        Certificates = new CertificateFolder();
        Certify(days: 365);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Certificates.Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Running = new Running(
            ("TLS_CERT_FILE", Certificates.Certificate), ("TLS_KEY_FILE", Certificates.Key), ("UPSTREAM_HOST_ALLOWLIST", "api.example.com"),
            ("AUDIT__HOST", "127.0.0.1"), ("COORDINATOR__HOST", "127.0.0.1"), ("STS_URL", "https://sts.example.com"),
            ("CARACAL_API_URL", "http://127.0.0.1:9"), ("CARACAL_STS_URL", "http://127.0.0.1:9"), ("CARACAL_GATEWAY_URL", "http://127.0.0.1:9"),
            ("CARACAL_AUDIT_URL", "http://127.0.0.1:9"), ("CARACAL_COORDINATOR_URL", "http://127.0.0.1:9"));
        Running.Set("CARACAL_SECRETS_DIR", Secrets);
        SecretFolder.Provision(Secrets);
        foreach (var role in StackRoles.Services) SecretFolder.Prepare(Path.Combine(Running.Home, "data", "journal", role));
        Set("CARACAL_ENV", "development");
    }

    public Running Running { get; }

    public CertificateFolder Certificates { get; }

    public string Secrets => Path.Combine(Running.Home, "secrets");

    public void Set(string name, string? value) => Running.Set(name, value);

    public string Secret(string name) => Path.Combine(Secrets, name);

    /// <summary>Puts a certificate in place that ends in so many days.</summary>
    public void Certify(int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-60), now.AddDays(days));
        File.WriteAllText(Certificates.Certificate, certificate.ExportCertificatePem());
    }

    /// <summary>Status and detail of one check.</summary>
    public async Task<(string Status, bool Evaluated, string Detail)> CheckAsync(string id)
    {
        var (_, output, error) = await Running.RunAsync("harden", "--only", id, "--json");
        Assert.Equal("", error);
        using var report = JsonDocument.Parse(output);
        var check = Assert.Single(report.RootElement.GetProperty("checks").EnumerateArray());
        return (check.GetProperty("status").GetString()!, check.GetProperty("evaluated").GetBoolean(), check.GetProperty("detail").GetString()!);
    }

    public void Dispose()
    {
        Running.Dispose();
        Certificates.Dispose();
    }
}
