using System.Security.Cryptography;
using System.Text;
using Caracal.Authority.Approvals;
using Caracal.Authority.Mandates;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Approvals;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Approvals;

/// <summary><c>POST /approvals/{id}/decision</c> and its older alias: the person behind the request decides (sts.md 8.6).</summary>
internal sealed class DecideApproval(ExchangeParts parts, HoldDecisionStore decisions, DecisionAudit audit)
{
    private const int LargestBody = 65_536;
    private const string Scheme = "Bearer ";

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            var refusal = await DecideAsync(context, context.RequestAborted);
            if (refusal is { Status: 401 })
            {
                context.Response.Headers.WWWAuthenticate = "Bearer realm=\"caracal-sts\"";
            }

            if (refusal is not null)
            {
                await ErrorBody.WriteAsync(context, refusal);
            }
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    // Answers itself and returns null, or returns why not.
    private async Task<Refusal?> DecideAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var id = (string?)context.Request.RouteValues["id"] ?? "";
        if (!Guid.TryParseExact(id, "D", out _))
        {
            return StsErrors.ApprovalUnknown;
        }

        if (ReadBearer(context.Request) is not { } bearer)
        {
            return Stranger(context, StsErrors.BadBearer);
        }

        if (await BodyReader.ReadAsync(context, LargestBody) is not { } body)
        {
            return StsErrors.BodyTooLarge;
        }

        if (DecisionBody.TryRead(body) is not { } decision)
        {
            return StsErrors.BadDecision;
        }

        if (await parts.Holds.FindAsync(id, cancellationToken) is not { } hold)
        {
            return StsErrors.ApprovalUnknown;
        }

        if (!parts.Clock.IsUsable)
        {
            return StsErrors.ClockUnusable;
        }

        var now = parts.Clock.Now;
        return await VerifyAsync(bearer, hold.ZoneId, now, cancellationToken) is { } claims
            ? await DecideAsync(context, hold, claims, decision, now, cancellationToken)
            : Stranger(context, StsErrors.BadSessionMandate);
    }

    private async Task<Refusal?> DecideAsync(
        HttpContext context, Hold hold, MandateClaims claims, DecisionBody decision, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var client = StepUpThrottle.SubjectKey(hold.ZoneId, claims.ClientId, claims.Subject);
        if (parts.StepUpThrottle.RetryAfter(client) is { } wait)
        {
            return StsErrors.ApprovalThrottled with { RetryAfterSeconds = wait };
        }

        if (await CheckAsync(hold, claims, now, cancellationToken) is { } refusal)
        {
            parts.StepUpThrottle.Fail(client);
            return refusal;
        }

        var binding = Convert.ToHexStringLower(hold.ResourceSetHash);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(binding), Encoding.UTF8.GetBytes(decision.Binding)))
        {
            parts.StepUpThrottle.Fail(client);
            return StsErrors.BindingMismatch;
        }

        var decided = hold.StateAt(now) == "pending" && await decisions.DecideAsync(
            new HoldDecision
            {
                HoldId = hold.Id,
                ZoneId = hold.ZoneId,
                Approved = decision.Approved,
                Approver = ApproverNames.Of(hold.PrivacyMode, hold.ZoneId, claims.Subject!),
                ApproverRecordId = claims.Sid!,
                Reason = decision.Reason,
                Now = now,
                Event = audit.Frame(hold, decision.Approved, claims.Sid!, now),
            },
            cancellationToken);
        if (!decided)
        {
            return StsErrors.ApprovalNotPending;
        }

        await ApprovalStatus.WriteAsync(context, hold, decision.Approved ? "approved" : "rejected");
        return null;
    }

    private async Task<Refusal?> CheckAsync(Hold hold, MandateClaims claims, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var facts = await parts.Facts.ReadAsync(new ExchangeLookup(hold.ZoneId, claims.Sid, null, null), cancellationToken);
        var holds = facts.Record is { IsUser: true } record && record.IsLive(now) && record.SubjectId == claims.Subject;
        return SubjectDecisionRules.Check(
            new DecidableHold(hold.ApplicationId, hold.ApproverClass, hold.SubjectAnchor),
            new SubjectApprover(
                claims.ClientId,
                claims.Subject,
                claims.SubjectType == "user",
                holds,
                hold.SessionId.Length > 0 && await decisions.AreOfOneLineageAsync(hold.ZoneId, hold.SessionId, claims.Sid!, cancellationToken)));
    }

    private async Task<MandateClaims?> VerifyAsync(string bearer, string zoneId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (MandateToken.TryParse(bearer) is not { Claims: { Sid.Length: > 0, Subject.Length: > 0 } } token)
        {
            return null;
        }

        var zone = await parts.Zones.GetFreshAsync(zoneId, cancellationToken);
        return zone is { IsArchived: false }
            && zone.FindVerificationKey(token.KeyId) is { } key
            && key.Verify(token)
            && MandateRules.ClaimsHold(token.Claims, parts.Settings.Issuer, zoneId, MandateUse.Session, now)
                ? token.Claims
                : null;
    }

    // Who cannot prove who they are is known by address alone; peers behind the same one who can, are not silenced with them.
    private Refusal Stranger(HttpContext context, Refusal refusal)
    {
        var client = StepUpThrottle.AddressKey(context.Connection.RemoteIpAddress);
        if (parts.StepUpThrottle.RetryAfter(client) is { } wait)
        {
            return StsErrors.ApprovalThrottled with { RetryAfterSeconds = wait };
        }

        parts.StepUpThrottle.Fail(client);
        return refusal;
    }

    private static string? ReadBearer(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return header.Count == 1 && header[0] is { } text && text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && text[Scheme.Length..].Trim() is { Length: > 0 } token
                ? token
                : null;
    }
}
