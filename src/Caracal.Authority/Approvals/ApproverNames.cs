using System.Security.Cryptography;
using System.Text;

namespace Caracal.Authority.Approvals;

/// <summary>How the person who decided is written down, as private as the hold demands (sts.md 8.6).</summary>
public static class ApproverNames
{
    public static string Of(string privacyMode, string zoneId, string subject) => privacyMode switch
    {
        "identified" => $"subject:{subject}",
        "pseudonymous" => $"subject:pseudonym:{Pseudonym(zoneId, subject)}",
        _ => "subject:redacted",
    };

    /// <summary>The same person has the same pseudonym within a zone, and another one elsewhere.</summary>
    public static string Pseudonym(string zoneId, string subject) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{zoneId}\0{subject}")).AsSpan(0, 8));
}
