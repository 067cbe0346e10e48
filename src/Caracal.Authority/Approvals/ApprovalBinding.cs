using System.Security.Cryptography;
using System.Text;

namespace Caracal.Authority.Approvals;

/// <summary>Everything an approval is bound to; a request that differs in any of it needs another approval (sts.md 8.3).</summary>
public sealed record ApprovalBinding
{
    public IReadOnlyList<string> Resources { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public string? PrincipalId { get; init; }
    public string? AuthorityRecordId { get; init; }
    public string? AgentSessionId { get; init; }
    public string? DelegationEdgeId { get; init; }
    public string? ApplicationId { get; init; }
    public string? PolicySetVersionId { get; init; }
    public string? PolicyManifestSha { get; init; }
    public string? ContractVersion { get; init; }
    public string? ContractSha { get; init; }

    /// <summary>SHA-256, 32 bytes.</summary>
    public byte[] Hash()
    {
        var text = new StringBuilder(512);
        Append(text, "resources", Lines(Resources, lowerCase: true));
        Append(text, "scopes", Lines(Scopes, lowerCase: false));
        Append(text, "principal", PrincipalId);
        Append(text, "authority_record", AuthorityRecordId);
        Append(text, "session", AgentSessionId);
        Append(text, "delegation", DelegationEdgeId);
        Append(text, "application", ApplicationId);
        Append(text, "policy_set_version", PolicySetVersionId);
        Append(text, "policy_manifest", PolicyManifestSha);
        Append(text, "decision_contract_version", ContractVersion);
        Append(text, "decision_contract_sha", ContractSha);
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Append(StringBuilder text, string name, string? value)
    {
        if (text.Length > 0)
        {
            text.Append('\0');
        }

        text.Append(name).Append('\0').Append(value);
    }

    private static string Lines(IReadOnlyList<string> values, bool lowerCase)
    {
        var distinct = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            var trimmed = value.Trim();
            if (trimmed.Length > 0)
            {
                distinct.Add(lowerCase ? trimmed.ToLowerInvariant() : trimmed);
            }
        }

        return string.Join('\n', distinct);
    }
}
