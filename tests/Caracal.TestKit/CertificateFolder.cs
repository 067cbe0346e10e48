using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.TestKit;

/// <summary>A self-signed certificate for localhost and its key, in files of its own that can be replaced.</summary>
public sealed class CertificateFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-tls-");

    public CertificateFolder() => Replace();

    /// <summary>Of the newest certificate.</summary>
    public string Thumbprint { get; private set; } = "";

    public string Certificate => Path.Combine(_folder.FullName, "cert.pem");

    public string Key => Path.Combine(_folder.FullName, "key.pem");

    /// <summary>Writes a new certificate and, unless <paramref name="withoutKey"/>, its key.</summary>
    public void Replace(bool withoutKey = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Thumbprint = certificate.Thumbprint;
        File.WriteAllText(Certificate, certificate.ExportCertificatePem());
        if (!withoutKey)
        {
            File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
