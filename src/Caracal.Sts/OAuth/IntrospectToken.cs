using System.Text.Json;
using Caracal.Authority.TokenExchange;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.TokenExchange.Steps;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.OAuth;

/// <summary><c>POST /oauth/2/introspect</c> (RFC 7662): whether a mandate of the caller's zone could be used at this moment.</summary>
internal sealed class IntrospectToken(ExchangeParts parts, OAuthClientAuthentication authentication, TokenRevocation revocations)
{
    public Task HandleAsync(HttpContext context) =>
        OAuthEndpoint.AnswerAsync(context, parts, authentication, async (caller, token, cancellationToken) =>
        {
            if (!parts.Clock.IsUsable)
            {
                return StsErrors.ClockUnusable;
            }

            var now = parts.Clock.Now;
            var claims = PresentedToken.TryVerify(parts, caller.Zone, token, now);
            var active = claims is not null && await IsAliveAsync(caller, claims, now, cancellationToken);
            await ErrorBody.WriteJsonAsync(context.Response, writer => Write(writer, active ? claims : null));
            return null;
        });

    // The same facts an exchange would decide on, read now: a revocation shows at once.
    private async Task<bool> IsAliveAsync(OAuthCaller caller, MandateClaims claims, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var facts = await parts.Facts.ReadAsync(
            new ExchangeLookup(caller.Zone.ZoneId, claims.Sid, claims.AgentSessionId, claims.DelegationEdgeId), cancellationToken);
        if (facts.Record is not { } record || !record.IsLive(now) || record.SubjectId != claims.Subject)
        {
            return false;
        }

        if (claims.AgentSessionId is not null && facts.Session?.IsActive(now) != true)
        {
            return false;
        }

        if (claims.DelegationEdgeId is not null
            && DelegationRules.Prove(
                facts.Delegation ?? new DelegationFacts(), facts.Session,
                new DelegationClaim(claims.ClientId ?? "", [], 0, parts.Settings.CrossApplicationChains), now) is null)
        {
            return false;
        }

        return claims.Use != MandateUse.Gateway
            || !await revocations.IsSpentAsync(claims.Jti!, RecordAndSign.UsedUntil(claims), cancellationToken);
    }

    private static void Write(Utf8JsonWriter writer, MandateClaims? claims)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("active"u8, claims is not null);
        if (claims is not null)
        {
            WriteClaims(writer, claims);
        }

        writer.WriteEndObject();
    }

    private static void WriteClaims(Utf8JsonWriter writer, MandateClaims claims)
    {
        if (claims.Scope is { Length: > 0 } scope)
        {
            writer.WriteString("scope"u8, scope);
        }

        writer.WriteString("client_id"u8, claims.ClientId);
        writer.WriteString("token_type"u8, "Bearer"u8);
        writer.WriteNumber("exp"u8, claims.ExpiresAt);
        writer.WriteNumber("iat"u8, claims.IssuedAt ?? 0);
        writer.WriteString("sub"u8, claims.Subject);
        WriteTexts(writer, "aud"u8, claims.Audience);
        writer.WriteString("iss"u8, claims.Issuer);
        writer.WriteString("jti"u8, claims.Jti);
        writer.WriteString("zone_id"u8, claims.ZoneId);
        writer.WriteString("use"u8, claims.Use);
        writer.WriteString("sub_type"u8, claims.SubjectType);
        writer.WriteString("sid"u8, claims.Sid);
        WriteTexts(writer, "target"u8, claims.Target);
    }

    private static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
