using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Caracal.Audit.Witnesses;

/// <summary>Whether a time-stamp is one of the authority that was meant, made when it was asked for.</summary>
public static class TimeStampTrust
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
        return authorities.Count == 0 ? null : Refuse(token, signer, authorities, "AUDIT_TIMESTAMP_CA_FILE does not vouch for its signer");
    }

    /// <summary>Reads a token over a text; why it is refused, null when it is not. When it was asked for is not known any more.</summary>
    /// <param name="base64">The token as it is kept.</param>
    /// <param name="text">What it must be over.</param>
    /// <param name="authorities">Who may vouch for the signer, or the signer.</param>
    /// <param name="at">When the text existed.</param>
    public static string? Read(string? base64, string text, X509Certificate2Collection authorities, out DateTimeOffset at)
    {
        at = default;
        var bytes = new byte[base64?.Length ?? 0];
        if (!Convert.TryFromBase64String(base64 ?? "", bytes, out var length)) return "it cannot be read";
        try
        {
            if (!Rfc3161TimestampToken.TryDecode(bytes.AsMemory(0, length), out var token, out var read) || read != length) return "it cannot be read";
            if (!token.VerifySignatureForData(Encoding.UTF8.GetBytes(text), out var signer)) return "it is of something else, or its signature does not verify";
            at = token.TokenInfo.Timestamp;
            return Refuse(token, signer, authorities, "no trusted authority vouches for its signer");
        }
        catch (CryptographicException)
        {
            return "it cannot be read";
        }
    }

    private static string? Refuse(Rfc3161TimestampToken token, X509Certificate2 signer, X509Certificate2Collection authorities, string stranger)
    {
        var at = token.TokenInfo.Timestamp;

        // A certificate that is in the file itself needs nobody else.
        if (authorities.Any(known => known.RawDataMemory.Span.SequenceEqual(signer.RawDataMemory.Span))) return IsFit(signer, at) ? null : "its signer is not fit to make time-stamps then";
        return IsVouchedFor(signer, token.AsSignedCms().Certificates, authorities, at) ? null : stranger;
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
