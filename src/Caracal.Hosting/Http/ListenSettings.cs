using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Hosting.Http;

/// <summary>Where and how strictly a role listens.</summary>
public sealed record ListenSettings
{
    /// <summary>An IP address, or <c>localhost</c>.</summary>
    public required string Host { get; init; }

    /// <summary>0 takes a free port, which only tests and the demo ask for.</summary>
    public required int Port { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    /// <summary>True when the listener speaks TLS.</summary>
    public bool Tls => CertificateFile is not null;

    /// <summary>Reads <c>HOST</c>, <c>PORT</c>, <c>TLS_CERT_FILE</c>, <c>TLS_KEY_FILE</c> with the rules of operations.md 2.4.</summary>
    public static ListenSettings Read(SettingsReader reader, int defaultPort)
    {
        var port = reader.Integer("PORT", defaultPort, minimum: 0, maximum: 65_535);
        if (port != defaultPort && reader.Published && !reader.Boolean("CARACAL_ALLOW_CUSTOM_PORTS", false))
        {
            reader.Fault($"PORT must be {defaultPort} (or set CARACAL_ALLOW_CUSTOM_PORTS=true)");
        }

        var certificate = reader.Text("TLS_CERT_FILE");
        var key = reader.Text("TLS_KEY_FILE");
        if (certificate is null != (key is null))
        {
            reader.Fault("TLS_CERT_FILE and TLS_KEY_FILE must be set together");
        }
        else if (certificate is not null)
        {
            Check(reader, certificate, key!);
        }

        return new ListenSettings
        {
            Host = reader.Text("HOST", reader.Published ? "0.0.0.0" : "127.0.0.1"),
            Port = port,
            CertificateFile = certificate,
            KeyFile = key,
        };
    }

    private static void Check(SettingsReader reader, string certificateFile, string keyFile)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
            if (certificate.NotAfter.ToUniversalTime() <= TimeProvider.System.GetUtcNow().UtcDateTime)
            {
                // No refusal: a replica that restarts after the expiry must be able to take the renewed pair when it comes.
                reader.Warn("TLS_CERT_FILE has expired: clients will refuse it; renew it, the file is read again by itself");
            }
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            reader.Fault("TLS_CERT_FILE and TLS_KEY_FILE must be PEM files of a certificate and its own key");
            return;
        }

        if (SecretFileAccess.Problem(keyFile) is { } problem)
        {
            reader.Weakness($"TLS_KEY_FILE {problem}");
        }
        else if (SecretFileAccess.Warning(keyFile) is { } warning)
        {
            reader.Warn($"TLS_KEY_FILE {warning}");
        }
    }
}
