using System.Security.Cryptography;
using Caracal.Sts.Approvals;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 14: an approval that is presented must be this request's own, in every binding (sts.md 8.4).</summary>
internal sealed class CheckPresentedApproval(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (exchange.Request.ApprovalId is not { } id)
        {
            return Verdict.Continue;
        }

        var client = StepUpThrottle.ApplicationKey(exchange.ZoneId, exchange.Application!.Id);
        if (parts.StepUpThrottle.RetryAfter(client) is { } wait)
        {
            return StsErrors.ApprovalThrottled with { RetryAfterSeconds = wait };
        }

        var hold = Guid.TryParse(id, out _) ? await parts.Holds.FindAsync(id, cancellationToken) : null;
        if (hold is null
            || hold.ChallengeType != "human_approval"
            || hold.ZoneId != exchange.ZoneId
            || hold.PrincipalId != exchange.Application.Id
            || hold.SessionId != (exchange.Record?.Id ?? "")
            || !CryptographicOperations.FixedTimeEquals(hold.ResourceSetHash, Bindings.Of(exchange).Hash()))
        {
            parts.StepUpThrottle.Fail(client);
            await parts.Audit.DenyAsync(exchange, "approval_invalid", cancellationToken);
            return StsErrors.ApprovalMismatch;
        }

        switch (hold.StateAt(exchange.Now))
        {
            case "approved":
                exchange.Approval = hold;
                return Verdict.Continue;
            case "pending":
                exchange.ShownHold = hold;
                return StsErrors.ApprovalRequired;
            case "rejected":
                await parts.Audit.DenyAsync(exchange, "approval_rejected", cancellationToken);
                return StsErrors.ApprovalRejected;
            case "consumed":
                return await OfferReissueAsync(exchange, hold, cancellationToken);
            default:
                await parts.Audit.DenyAsync(exchange, "approval_expired", cancellationToken);
                return StsErrors.ApprovalExpired;
        }
    }

    // A lost answer may be asked for again for two minutes: the same record, a new bearer, nothing new granted.
    private async ValueTask<Verdict> OfferReissueAsync(Exchange exchange, Storage.Approvals.Hold hold, CancellationToken cancellationToken)
    {
        if (hold.ConsumedAuthorityRecordId is { } created && exchange.Now - hold.ConsumedAt < TimeSpan.FromSeconds(120)
            && !exchange.IsGateway)
        {
            var facts = await parts.Facts.ReadAsync(new(exchange.ZoneId, created, null, null), cancellationToken);
            if (facts.Record is { } record && record.IsLive(exchange.Now))
            {
                exchange.Approval = hold;
                exchange.Reissue = hold;
                exchange.ReissueRecord = record;
                return Verdict.Continue;
            }
        }

        await parts.Audit.DenyAsync(exchange, "approval_already_consumed", cancellationToken);
        return StsErrors.ApprovalConsumed;
    }
}
