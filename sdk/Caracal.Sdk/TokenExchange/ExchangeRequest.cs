using System.Globalization;
using System.Text;

namespace Caracal.Sdk.TokenExchange;

/// <summary>What is asked of the STS; resources and scopes are distinct and sorted.</summary>
internal sealed record ExchangeRequest
{
    public const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    public const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";

    public IReadOnlyList<string> Resources { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public string? SubjectToken { get; init; }
    public string SubjectTokenType { get; init; } = AccessTokenType;
    public string? AuthorityRecordId { get; init; }
    public string? SessionId { get; init; }
    public string? DelegationId { get; init; }
    public int? TtlSeconds { get; init; }
    public string? ApprovalId { get; init; }

    /// <summary>False for what must be new each time.</summary>
    public bool MayCache { get; init; } = true;

    /// <summary>A mandate of a Session with a Delegation is spent by one call; an approval is spent once.</summary>
    public bool IsCacheable => MayCache && ApprovalId is null && !(SessionId is not null && DelegationId is not null);

    public static IReadOnlyList<string> Sorted(IEnumerable<string> values) =>
        [.. values.Select(value => value.Trim()).Where(value => value.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The form, ready to send.</summary>
    public byte[] Form(CaracalCredentials credentials)
    {
        var form = new StringBuilder(512);
        Add(form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
        Add(form, "zone_id", credentials.ZoneId);
        Add(form, "application_id", credentials.ApplicationId);
        Add(form, "client_secret", credentials.ClientSecret);
        foreach (var resource in Resources) Add(form, "resource", resource);
        if (Scopes.Count > 0) Add(form, "scope", string.Join(' ', Scopes));
        if (SubjectToken is not null)
        {
            Add(form, "subject_token", SubjectToken);
            Add(form, "subject_token_type", SubjectTokenType);
        }

        Add(form, "session_id", AuthorityRecordId);
        Add(form, "agent_session_id", SessionId);
        Add(form, "delegation_edge_id", DelegationId);
        Add(form, "ttl_seconds", TtlSeconds?.ToString(CultureInfo.InvariantCulture));
        Add(form, "approval_id", ApprovalId);
        return Encoding.UTF8.GetBytes(form.ToString());
    }

    private static void Add(StringBuilder form, string name, string? value)
    {
        if (value is null) return;
        _ = form.Length > 0 ? form.Append('&') : form;
        form.Append(name).Append('=').Append(Uri.EscapeDataString(value));
    }
}
