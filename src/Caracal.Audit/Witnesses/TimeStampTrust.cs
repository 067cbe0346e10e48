using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.Audit.Witnesses;

/// <summary>Whether a time-stamp is one of the authority that was meant, made when it was asked for.</summary>
internal static class TimeStampTrust
{
    /// <summary>How far the authority's clock may be from this one.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private static readonly Oid _timeStamping = new("1.3.6.1.5.5.7.3.8");

    /// <summary>Why the token is refused; null when it is not.</summary>
    /// <param name="token">Its signature verifies.</param>
    /// <param name="signer">The certificate it was verified with, which the token itself brought.</param>
    /// <param name="authorities">Who may vouch for the signer, or the signer; empty lets any pass.</param>
    /// <param name="now">Database time.</param>
    public static string? Refuse(Rfc3161TimestampToken token, X509Certificate2 signer, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        var at = token.TokenInfo.Timestamp;
        if ((at - now).Duration() > Skew) return "its time is minutes from the time it was asked at";
        if (authorities.Count == 0) return null;

        // A certificate that is in the file itself needs nobody else.
        if (authorities.Any(known => known.RawDataMemory.Span.SequenceEqual(signer.RawDataMemory.Span))) return IsFit(signer, at) ? null : "its signer is not fit to make time-stamps then";
        return IsVouchedFor(signer, token.AsSignedCms().Certificates, authorities, at) ? null : "AUDIT_TIMESTAMP_CA_FILE does not vouch for its signer";
    }

    /// <summary>Whether a chain leads from the signer to one of the authorities at that time.</summary>
    public static bool IsVouchedFor(X509Certificate2 signer, X509Certificate2Collection between, X509Certificate2Collection authorities, DateTimeOffset at)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(between);
        policy.ApplicationPolicy.Add(_timeStamping);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = at.LocalDateTime;
        return IsFit(signer, at) && chain.Build(signer);
    }

    private static bool IsFit(X509Certificate2 signer, DateTimeOffset at) =>
        signer.NotBefore <= at.LocalDateTime && at.LocalDateTime <= signer.NotAfter
        && signer.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(usage => usage.EnhancedKeyUsages.OfType<Oid>().Any(oid => oid.Value == _timeStamping.Value));
}
