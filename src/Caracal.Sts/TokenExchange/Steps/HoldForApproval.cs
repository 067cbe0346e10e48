using Caracal.Authority.Approvals;
using Caracal.Protocol;
using Caracal.Storage.Approvals;
using Caracal.Sts.Approvals;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 17: what policy gates is held until a human decides (sts.md 8.2). A gated mint never passes here without an approval.</summary>
internal sealed class HoldForApproval(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (exchange.Granted.Count == 0 || exchange.StepUp is not { Count: > 0 } declarations)
        {
            return Verdict.Continue;
        }

        if (HoldTerms.Merge(declarations) is not { } terms)
        {
            await parts.Audit.DenyAsync(exchange, "approval_class_conflict", cancellationToken);
            return StsErrors.ApprovalConflict;
        }

        if (exchange.Approval is { } presented)
        {
            return Fits(exchange, presented, terms) ? Verdict.Continue : await RefuseAsync(exchange, cancellationToken);
        }

        var (hold, created) = await parts.Holds.EnsureAsync(NewHold(exchange, terms), exchange.Now, cancellationToken);
        if (hold.RejectedAt is null && !Fits(exchange, hold, terms))
        {
            await parts.Holds.WithdrawAsync(hold.Id, cancellationToken);
            (hold, created) = await parts.Holds.EnsureAsync(NewHold(exchange, terms), exchange.Now, cancellationToken);
        }

        if (created)
        {
            await parts.Audit.StepUpIssuedAsync(exchange, hold, cancellationToken);
        }

        switch (hold.StateAt(exchange.Now))
        {
            case "approved" when Fits(exchange, hold, terms):
                exchange.Approval = hold;
                return Verdict.Continue;
            case "rejected":
                await parts.Audit.DenyAsync(exchange, "approval_rejected", cancellationToken);
                return StsErrors.ApprovalRejected;
            default:
                exchange.ShownHold = hold;
                return StsErrors.ApprovalRequired;
        }
    }

    // The binding names what was asked for, in lower case: whoever decides may have been shown less than what is granted now, where a
    // resource was left out then, or differs in case alone.
    private static bool Fits(Exchange exchange, Hold hold, HoldTerms terms) =>
        terms.AreMetBy(hold.Tier, hold.ApproverClass, hold.PrivacyMode) && Bindings.Names(hold, exchange.Granted);

    private async ValueTask<Verdict> RefuseAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        parts.StepUpThrottle.Fail(StepUpThrottle.ApplicationKey(exchange.ZoneId, exchange.Application!.Id));
        await parts.Audit.DenyAsync(exchange, "approval_invalid", cancellationToken);
        return StsErrors.ApprovalMismatch;
    }

    private static Hold NewHold(Exchange exchange, HoldTerms terms) => new()
    {
        Id = Ids.NewRandom(),
        ZoneId = exchange.ZoneId,
        SessionId = exchange.Record?.Id ?? "",
        PrincipalId = exchange.Application!.Id,
        ApplicationId = exchange.Application.Id,
        Tier = terms.Tier,
        ApproverClass = terms.Approver,
        PrivacyMode = terms.Privacy,
        SubjectAnchor = Bindings.SubjectAnchor(exchange),
        ResourceSetHash = Bindings.Of(exchange).Hash(),
        CreatedAt = exchange.Now,
        ExpiresAt = exchange.Now + terms.Ttl,
        MetadataJson = Bindings.Metadata(exchange),
    };
}
