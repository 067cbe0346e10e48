using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.Keys.Certificates;

/// <summary>Authorities that may sign a server's certificate besides those of the system (operations.md 2.4, <c>CARACAL_TLS_EXTRA_CA_FILE</c>).</summary>
public sealed class ExtraAuthorities
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly X509Certificate2Collection _authorities;
    private readonly bool _unusable;

    private ExtraAuthorities(X509Certificate2Collection authorities, bool unusable)
    {
        _authorities = authorities;
        _unusable = unusable;
    }

    /// <summary>The system's authorities alone.</summary>
    public static ExtraAuthorities None { get; } = new([], false);

    public static ExtraAuthorities Of(X509Certificate2Collection authorities) => new(authorities, false);

    /// <summary>Reads a PEM file. An absent one adds nothing; one that cannot be read accepts no server at all, so that a typo is no downgrade.</summary>
    public static ExtraAuthorities Load(string? path)
    {
        if (path is null || !File.Exists(path))
        {
            return None;
        }

        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(path);
            return new ExtraAuthorities(authorities, authorities.Count == 0);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return new ExtraAuthorities([], true);
        }
    }

    /// <summary>A <see cref="RemoteCertificateValidationCallback"/>: only the question who signed is open to our own authorities; the name must be right in any case.</summary>
    public bool Accepts(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (_unusable)
        {
            return false;
        }

        return errors == SslPolicyErrors.None
            || (errors == SslPolicyErrors.RemoteCertificateChainErrors && _authorities.Count > 0
                && certificate is X509Certificate2 leaf && IsSignedByOurs(leaf, presented));
    }

    private bool IsSignedByOurs(X509Certificate2 leaf, X509Chain? presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }
}
