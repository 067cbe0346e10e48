using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Caracal.Cli.Hardening;
using Caracal.Cli.Tests.Hardening.Pairs;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.TestKit;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>Variables and files as they should be, with every check that needs nothing else passing; a test then breaks one thing.</summary>
internal sealed class GoodDeployment : IDisposable
{
    private readonly List<IDisposable> _parts = [];

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

    /// <summary>The same in front of running services: their keys, a copy of their store, and every other check passes as well.</summary>
    public GoodDeployment(LiveDeployment live)
        : this()
    {
        Live = live;
        Directory.Delete(Secrets, recursive: true);
        SecretFolder.Prepare(Secrets);
        foreach (var file in Directory.GetFiles(live.Secrets)) File.Copy(file, Secret(Path.GetFileName(file)));
        foreach (var path in Directory.GetFiles(live.Snapshot, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(Running.Home, Path.GetRelativePath(live.Snapshot, path));
            SecretFolder.Prepare(Path.GetDirectoryName(copy)!);
            File.Copy(path, copy);
        }

        foreach (var service in LiveServices.Names) Set($"CARACAL_{service.ToUpperInvariant()}_URL", live.Url(service));
        Set("CARACAL_PROMETHEUS_URL", live.Prometheus);
        Set("CARACAL_CONTACTS_FILE", Running.Write("contacts", "security: sec@example.com\non-call: +1 555 0100\n"));
        Set("PWD", Running.Home); // not the work tree that the tests run in
        Objects = LiveDeployment.Objects;
    }

    /// <summary>The services behind it; null where there are only variables and files.</summary>
    public LiveDeployment? Live { get; }

    /// <summary>PostgreSQL and Redis that the variables name; null where the store is embedded.</summary>
    public StoreDeployment? Stores { get; init; }

    /// <summary>Rendered objects, as JSON; null for none.</summary>
    public string? Objects { get; set; }

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

    /// <summary>Every check of <c>harden</c> by its id.</summary>
    public async Task<Dictionary<string, (string Status, bool Evaluated, string Detail)>> HardenAsync(string skip)
    {
        string[] objects = Objects is null ? [] : ["--objects", Running.Write("objects.json", Objects)];
        var (_, output, error) = await Running.RunAsync(["harden", "--json", "--skip", skip, .. objects]);
        Assert.Equal("", error);
        using var report = JsonDocument.Parse(output);
        return report.RootElement.GetProperty("checks").EnumerateArray().ToDictionary(
            check => check.GetProperty("id").GetString()!,
            check => (check.GetProperty("status").GetString()!, check.GetProperty("evaluated").GetBoolean(), check.GetProperty("detail").GetString()!),
            StringComparer.Ordinal);
    }

    /// <summary>Every question of <c>doctor</c> by its name.</summary>
    public async Task<Dictionary<string, (string Status, bool Evaluated, string Detail)>> DoctorAsync()
    {
        var (_, output, error) = await Running.RunAsync("doctor", "--json");
        Assert.Equal("", error);
        using var report = JsonDocument.Parse(output);
        return report.RootElement.GetProperty("checks").EnumerateArray().ToDictionary(
            check => $"{check.GetProperty("section")} {check.GetProperty("check")}",
            check => (check.GetProperty("status").GetString()!, !check.GetProperty("detail").GetString()!.StartsWith("not evaluated", StringComparison.Ordinal), check.GetProperty("detail").GetString()!),
            StringComparer.Ordinal);
    }

    /// <summary>Puts an edge that changes answers in front of a service.</summary>
    public void Between(string service, Func<System.Net.HttpListenerRequest, EdgeAnswer, EdgeAnswer> change, bool announces = true) =>
        Set($"CARACAL_{service.ToUpperInvariant()}_URL", Keep(new Edge(Live!.ServiceUrl(service), change, announces)).Url);

    /// <summary>Changes the copy of the store.</summary>
    public void Execute(string sql)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={CaracalStack.DatabasePath(Path.Combine(Running.Home, "data"))};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0, sql);
    }

    /// <summary>Ends with this deployment.</summary>
    public T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        Running.Dispose();
        Certificates.Dispose();
    }
}
