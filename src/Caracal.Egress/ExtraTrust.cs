using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.Egress;

/// <summary>Whom outgoing TLS trusts beyond the system: the authorities of <c>CARACAL_TLS_EXTRA_CA_FILE</c> (sts.md 9.6).</summary>
public static class ExtraTrust
{
    /// <summary>
    /// Null trusts the system alone: no file was named, or it does not exist. A file that is there but cannot be read, or
    /// holds no certificate, trusts nothing: whoever wrote it meant something we do not know.
    /// </summary>
    public static RemoteCertificateValidationCallback? FromFile(string? path)
    {
        if (string.IsNullOrEmpty(path) || !File.Exists(path))
        {
            return null;
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return static (_, _, _, _) => false;
        }

        return authorities.Count == 0
            ? static (_, _, _, _) => false
            : (_, certificate, chain, errors) => errors == SslPolicyErrors.None || IsIssuedBy(authorities, certificate, chain, errors);
    }

    // Only an unknown authority is forgiven; a wrong name or a missing certificate never is.
    private static bool IsIssuedBy(X509Certificate2Collection authorities, X509Certificate? certificate, X509Chain? offered, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1")); // to be a server
        foreach (var element in offered?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }
}
