using System.Globalization;
using System.Security.Claims;
using Caracal.Protocol.Context;
using Caracal.Verifier;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore;

/// <summary>Verifies one request and binds what it learned to it.</summary>
internal static class MandateRequest
{
    public static async ValueTask<VerificationResult> VerifyAsync(HttpContext http, MandateVerifier verifier, MandateRequirements requirements)
    {
        // Two Authorization headers are two callers; which one a proxy looked at nobody knows.
        var headers = http.Request.Headers.Authorization;
        var token = headers.Count == 1 ? BearerToken.Find(headers[0]) : "";
        var result = await verifier.VerifyAsync(token, requirements, http.RequestAborted);
        if (result.IsAccepted(out var principal))
        {
            http.Features.Set<IMandateFeature>(new MandateFeature(principal, ContextOf(http.Request, principal)));
        }

        return result;
    }

    public static ClaimsPrincipal PrincipalOf(MandatePrincipal mandate)
    {
        var identity = new ClaimsIdentity(CaracalDefaults.AuthenticationScheme, "sub", ClaimTypes.Role);
        void Add(string type, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                identity.AddClaim(new Claim(type, value));
            }
        }

        Add("sub", mandate.Sub);
        Add("sub_type", mandate.SubType);
        Add("zone_id", mandate.ZoneId);
        Add("client_id", mandate.ClientId);
        Add("sid", mandate.AuthorityRecordId);
        Add("root_sid", mandate.RootAuthorityRecordId);
        Add("agent_session_id", mandate.SessionId);
        Add("delegation_edge_id", mandate.DelegationId);
        Add("hop_count", mandate.HopCount.ToString(CultureInfo.InvariantCulture));
        Add("jti", mandate.Jti);
        foreach (var scope in mandate.Scope.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            Add("scope", scope);
        }

        return new ClaimsPrincipal(identity);
    }

    /// <summary>What the request's headers claim.</summary>
    public static ContextEnvelope Told(HttpRequest request) =>
        ContextEnvelope.Decode(request.Headers.TraceParent.ToString(), request.Headers.TraceState.ToString(), request.Headers.Baggage.ToString());

    /// <summary>Trace and foreign baggage of the headers, everything else of the mandate.</summary>
    public static ContextEnvelope ContextOf(HttpRequest request, MandatePrincipal principal) => Told(request) with
    {
        AgentSession = principal.SessionId,
        DelegationEdge = principal.DelegationId,
        ParentEdge = null,
        Session = principal.AuthorityRecordId,
        Hop = Math.Min(principal.HopCount, ContextEnvelope.MaximumHops),
    };
}
