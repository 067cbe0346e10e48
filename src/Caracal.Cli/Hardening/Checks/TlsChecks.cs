using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>What protects the wire.</summary>
internal static class TlsChecks
{
    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    private static readonly (string Role, string[] Urls)[] PublicRoles =
    [
        (StackRoles.Sts, ["ISSUER_URL", "CARACAL_STS_ISSUER_URL", "CARACAL_STS_URL"]),
        (StackRoles.Api, ["CARACAL_API_URL"]),
        (StackRoles.Coordinator, ["CARACAL_COORDINATOR_URL"]),
    ];

    private static readonly string[] InterServiceUrls = ["STS_URL", "CARACAL_GATEWAY_URL", "CARACAL_COORDINATOR_URL", "CARACAL_API_URL"];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-TLS-1", "Gateway over TLS", "GATEWAY__TLS_CERT_FILE or the Gateway's public URL", "a certificate, or an edge that speaks https",
            "bearer tokens are readable on the wire",
            "Set TLS_CERT_FILE and TLS_KEY_FILE for the Gateway, or put an https edge in front and set CARACAL_GATEWAY_URL to its address.",
            GatewayAsync) { BeforeTraffic = true },
        new(
            "H-TLS-2", "STS, API and Coordinator over TLS", "TLS_CERT_FILE, HOST, public URLs, published ports", "https, or reachable on loopback only",
            "bearer tokens are readable on the wire",
            "Give each a certificate or an https address, or bind it to loopback.",
            PublicAsync) { BeforeTraffic = true },
        new(
            "H-TLS-3", "certificates and their key files", "TLS_CERT_FILE, TLS_KEY_FILE", "valid for 30 days or more, key file 0600",
            "an outage when it expires; whoever reads the key can impersonate the service",
            "Renew the certificate; chmod 600 the key file.",
            Check.Look(Certificates))
        {
            Repairs = deployment => [.. KeyFiles(deployment).Where(FileModes.IsOpen).Select(FileModes.Close)],
        },
        new(
            "H-TLS-4", "insecure switches", "INSECURE_HTTP, INSECURE_STS", "unset",
            "Gateway-STS traffic exposes every token exchanged",
            "Unset INSECURE_HTTP and INSECURE_STS.",
            InsecureSwitchesAsync)
        {
            BeforeTraffic = true,
            Repairs = deployment => [.. OperatorFile.RemoveWhere(deployment, "INSECURE_HTTP", _ => true), .. OperatorFile.RemoveWhere(deployment, "INSECURE_STS", _ => true)],
        },
        new(
            "H-TLS-5", "old TLS refused", "every https endpoint", "a TLS 1.1 handshake is refused",
            "an attacker on the path can downgrade the connection",
            "Allow TLS 1.2 and 1.3 only, also at the edge in front.",
            OldTlsAsync),
        new(
            "H-TLS-6", "addresses between services", string.Join(", ", InterServiceUrls), "https, or loopback",
            "tokens cross the internal network unprotected",
            "Use https between services.",
            BetweenServicesAsync),
    ];

    private static async Task<Finding> GatewayAsync(Deployment deployment, CancellationToken stop)
    {
        if (await IsCertifiedAsync(deployment, StackRoles.Gateway, stop)) return Finding.Ok("the Gateway has a certificate of its own");
        if (deployment.Services.Find(StackRoles.Gateway) is not { Scheme: "https" } edge)
        {
            return Finding.Fail("the Gateway has no certificate, and its address is not https");
        }

        var reply = await deployment.Services.AskAsync(StackRoles.Gateway, "/health", stop);
        return reply.Answered ? Finding.Ok($"{edge.Host} answers over TLS") : Finding.Fail($"no valid TLS at {edge}: {reply.Body}");
    }

    private static async Task<Finding> PublicAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var (role, names) in PublicRoles)
        {
            if (await IsCertifiedAsync(deployment, role, stop) || await UrlAsync(deployment, role, names, stop) is { Scheme: "https" }) verdict.Ok("https");
            else if (await deployment.Effective.InForceAsync(role, "HOST", stop) is { } host && Deployment.IsLoopback(host)) verdict.Ok("loopback only");
            else if (deployment.Objects?.LoopbackOnly.Contains(role) == true) verdict.Ok("published on loopback only");
            else verdict.Fail($"{role} is reachable by plain http");
        }

        return verdict.Finding();
    }

    private static async Task<bool> IsCertifiedAsync(Deployment deployment, string role, CancellationToken stop) =>
        (await deployment.Effective.FindAsync("TLS_CERT_FILE", [role], stop)).Count > 0;

    // The operator knows the address that callers use; what the service itself was told comes after.
    private static async Task<Uri?> UrlAsync(Deployment deployment, string role, string[] names, CancellationToken stop)
    {
        foreach (var name in names)
        {
            if (Uri.TryCreate(deployment.Setting(role, name) ?? await deployment.Effective.InForceAsync(role, name, stop), UriKind.Absolute, out var url)) return url;
        }

        return null;
    }

    private static Finding Certificates(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var path in Files(deployment, "TLS_CERT_FILE")) Certificate(path, deployment.Time.GetUtcNow(), verdict);
        foreach (var path in Files(deployment, "TLS_KEY_FILE"))
        {
            if (!File.Exists(path)) verdict.Fail($"{path} is not there");
            else if (FileModes.IsOpen(path)) verdict.Fail($"{path} is {FileModes.Text(path)}");
        }

        return verdict.Finding("no service has a certificate of its own");
    }

    private static void Certificate(string path, DateTimeOffset now, Verdict verdict)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(path);
            var left = new DateTimeOffset(certificate.NotAfter.ToUniversalTime()) - now;
            if (left <= TimeSpan.Zero) verdict.Fail($"{path} expired {certificate.NotAfter:yyyy-MM-dd}");
            else if (left < Soon) verdict.Warn($"{path} expires {certificate.NotAfter:yyyy-MM-dd}");
            else verdict.Ok($"{path} is valid until {certificate.NotAfter:yyyy-MM-dd}");
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            verdict.Fail($"{path} cannot be read as a certificate");
        }
    }

    private static async Task<Finding> InsecureSwitchesAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var name in (string[])["INSECURE_HTTP", "INSECURE_STS"])
        {
            foreach (var seen in (await deployment.Effective.FindAsync(name, deployment.Roles, stop)).Where(seen => seen.IsOn)) verdict.Fail($"{name} is on for {seen.Who}");
        }

        verdict.Ok("off everywhere");
        return verdict.Finding();
    }

    private static async Task<Finding> OldTlsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var service in LiveServices.Names)
        {
            if (deployment.Services.Find(service) is not { Scheme: "https" } url) continue;
            switch (await OldTlsProbe.RunAsync(url.Host, url.Port, stop))
            {
                case true: verdict.Fail($"{service} at {url.Host} accepts TLS 1.1"); break;
                case false: verdict.Ok("TLS 1.1 is refused"); break;
                default: verdict.Unseen($"{service} cannot be reached at {url.Host}"); break;
            }
        }

        return verdict.Finding("no service has an https address");
    }

    private static async Task<Finding> BetweenServicesAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var name in InterServiceUrls)
        {
            foreach (var seen in await deployment.Effective.FindAsync(name, deployment.Roles, stop))
            {
                if (!Uri.TryCreate(seen.Value, UriKind.Absolute, out var url)) continue;
                if (url.Scheme == Uri.UriSchemeHttps || Deployment.IsLoopback(url.Host)) verdict.Ok("https or loopback");
                else if (Deployment.IsNear(url.Host)) verdict.Warn($"{name} is http to {url.Host}");
                else verdict.Fail($"{name} is http to {url.Host}");
            }
        }

        return verdict.Finding("no address is set; services of one process use loopback");
    }

    private static IEnumerable<string> KeyFiles(Deployment deployment) => Files(deployment, "TLS_KEY_FILE").Where(File.Exists);

    private static IEnumerable<string> Files(Deployment deployment, string name) =>
        deployment.Roles.Select(role => deployment.Setting(role, name)).OfType<string>().Distinct(StringComparer.Ordinal);
}
