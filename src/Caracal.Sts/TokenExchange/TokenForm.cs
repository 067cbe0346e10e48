using System.Globalization;
using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.TokenExchange;

/// <summary>Reads the fields of sts.md 2 out of a form. Unknown fields are ignored.</summary>
internal static class TokenForm
{
    private static readonly string[] Forbidden = ["actor_token", "client_assertion", "client_assertion_type"];

    public static TokenRequest Read(FormFields form)
    {
        var scopes = Scopes.Split(form.Find("scope"));
        var ttl = form.Find("ttl_seconds");
        var resources = Resources(form, out var hasEmpty);
        var approval = Trimmed(form, "approval_id");
        var challenge = Trimmed(form, "challenge_id");
        long seconds = 0;
        return new TokenRequest
        {
            GrantType = form.Find("grant_type"),
            ZoneId = Trimmed(form, "zone_id"),
            ApplicationId = Trimmed(form, "application_id"),
            ClientSecret = form.Find("client_secret"),
            Resources = resources,
            HasEmptyResource = hasEmpty,
            Scope = scopes.Length == 0 ? null : string.Join(' ', scopes),
            Scopes = scopes,
            SubjectToken = Present(form, "subject_token")?.AsMemory(),
            SubjectTokenType = Present(form, "subject_token_type"),
            SessionId = Trimmed(form, "session_id"),
            AgentSessionId = Trimmed(form, "agent_session_id"),
            DelegationEdgeId = Trimmed(form, "delegation_edge_id"),
            TtlIsInteger = string.IsNullOrEmpty(ttl)
                || long.TryParse(ttl, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seconds),
            TtlSeconds = seconds,
            ApprovalId = approval ?? challenge,
            ApprovalIdsDiffer = approval is not null && challenge is not null && approval != challenge,
            ForbiddenField = Array.Find(Forbidden, name => form.Find(name) is not null),
            RequestMethod = Present(form, "request_method"),
            RequestPath = Present(form, "request_path"),
            McpOperation = Present(form, "mcp_operation"),
            GatewayRequestId = Present(form, "gateway_request_id"),
        };
    }

    private static List<string> Resources(FormFields form, out bool hasEmpty)
    {
        hasEmpty = false;
        var resources = new List<string>(1);
        foreach (var value in form.All("resource"))
        {
            var resource = value.Trim();
            hasEmpty |= resource.Length == 0;
            if (!resources.Contains(resource))
            {
                resources.Add(resource);
            }
        }

        resources.Sort(StringComparer.Ordinal);
        return resources;
    }

    private static string? Trimmed(FormFields form, string name) => form.Find(name)?.Trim() is { Length: > 0 } value ? value : null;

    private static string? Present(FormFields form, string name) => form.Find(name) is { Length: > 0 } value ? value : null;
}
