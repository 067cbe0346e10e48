using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Cli.Environment;
using Caracal.Cli.Hardening;
using Caracal.Cli.Hardening.Checks;
using Caracal.Cli.Servers;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Stack;

namespace Caracal.Cli.Drills;

/// <summary>The Gateway's certificate ends: callers refuse it, the figures tell, and renewed files are taken without a restart.</summary>
internal static class CertificateDrill
{
    private const string Expiry = "caracal_tls_cert_expiry_seconds ";

    public static Drill Expired { get; } = new("expired-certificate", "the Gateway's certificate has ended", "CaracalTlsExpiring", BreakAsync, WatchAsync, MendAsync);

    private static async Task BreakAsync(DrillRun run)
    {
        run.Held = await Held.TakeAsync(run, StackRoles.Gateway, Expiry);
        var own = run.System.Fleet.Find(StackRoles.Gateway);
        var scene = run.Secured = new SecuredGateway(own, run.System.Fleet.Files.Folder);
        scene.Certify(days: -1);
        await own.StopAsync();
        scene.Service.Start();
        await run.WithinAsync("the Gateway starts", async () => (await scene.ReadMetricsAsync(run) is not null, "over TLS"));
    }

    private static async Task WatchAsync(DrillRun run)
    {
        var scene = run.Secured!;
        var forwarded = run.System.Forwarded;
        var refused = await scene.CallAsync(run.Held!.Mandate, run);
        run.Expect("a caller refuses the connection", refused.Contains("certificate", StringComparison.OrdinalIgnoreCase), refused);
        run.Expect("nothing reaches the upstream", run.System.Forwarded == forwarded, $"{run.System.Forwarded - forwarded} requests");
        await run.WithinAsync("the figures of CaracalTlsExpiring show it", async () =>
        {
            var left = MetricsPage.Read(await scene.ReadMetricsAsync(run) ?? "").GetValueOrDefault("caracal_tls_cert_expiry_seconds", double.MaxValue);
            return (left < 14 * 86400, string.Create(CultureInfo.InvariantCulture, $"{left:F0} s left"));
        });
        await using var deployment = new Deployment(new ProcessVariables(scene.Service.Variables), TimeProvider.System);
        var found = await TlsChecks.All.Single(check => check.Id == "H-TLS-3").InspectAsync(deployment, run.Stop);
        run.Expect("caracal harden names it", found.Outcome == Outcome.Fail && found.Detail.Contains("expired", StringComparison.Ordinal), $"H-TLS-3 {found.Outcome}");
    }

    private static async Task MendAsync(DrillRun run)
    {
        var scene = run.Secured!;
        scene.Certify(days: 30);
        await run.WithinAsync("renewed files are taken without a restart", async () =>
        {
            var mandate = await run.System.MintAsync(run.System.Authority, GovernedScopes.Read, run.Stop);
            var answer = await scene.CallAsync(mandate["access_token"], run);
            return (answer == "200", answer);
        });
        await scene.DisposeAsync();
        run.Secured = null;
        run.System.Fleet.Find(StackRoles.Gateway).Start();
    }
}

/// <summary>The Gateway of the system with a certificate of an authority that callers trust.</summary>
internal sealed class SecuredGateway : IAsyncDisposable
{
    private readonly X509Certificate2 authority;
    private readonly string folder;

    public SecuredGateway(FleetService own, string home)
    {
        folder = Path.Combine(home, $"tls-{Ids.New()}");
        SecretFolder.Prepare(folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=drill authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        authority = request.CreateSelfSigned(now.AddDays(-90), now.AddDays(90));
        Service = new FleetService(
            own.Role, own.Replica, own.Url.Replace("http://", "https://", StringComparison.Ordinal), Path.Combine(home, $"gateway-tls-{Ids.New()}.log"),
            new Dictionary<string, string?>(own.Variables, StringComparer.Ordinal) { ["GATEWAY__TLS_CERT_FILE"] = CertificateFile, ["GATEWAY__TLS_KEY_FILE"] = KeyFile });
    }

    public FleetService Service { get; }

    private string CertificateFile => Path.Combine(folder, "cert.pem");

    private string KeyFile => Path.Combine(folder, "key.pem");

    /// <summary>Puts a certificate in place that ends in so many days, and its key.</summary>
    public void Certify(int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(authority, now.AddDays(-60), now.AddDays(days), RandomNumberGenerator.GetBytes(8));
        SecretFolder.WriteOwnerOnly(KeyFile, System.Text.Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        SecretFolder.WriteOwnerOnly(CertificateFile, System.Text.Encoding.UTF8.GetBytes(certificate.ExportCertificatePem()));
    }

    /// <summary>The status of a governed call, or why the connection was refused.</summary>
    public async Task<string> CallAsync(string mandate, DrillRun run)
    {
        using var client = Client(strict: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, Service.Url + "/reports");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", mandate);
        request.Headers.Add(CaracalHeaders.Resource, run.System.Zone.Blueprint.Resource);
        try
        {
            using var answer = await client.SendAsync(request, run.Stop);
            return ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException refused)
        {
            return refused.InnerException?.Message ?? refused.Message;
        }
    }

    /// <summary>The metrics page as monitoring reads it that looks past the certificate; null when nobody answers.</summary>
    public async Task<string?> ReadMetricsAsync(DrillRun run)
    {
        using var client = Client(strict: false);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", run.System.Fleet.Files.MetricsToken);
        try
        {
            return await client.GetStringAsync(new Uri(Service.Url + "/metrics"), run.Stop);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        authority.Dispose();
    }

    private HttpClient Client(bool strict) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = strict
                ? new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck }
                : new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck, VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid },
        },
    });
}
