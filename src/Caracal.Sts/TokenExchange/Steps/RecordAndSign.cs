using Caracal.Authority.TokenExchange;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Jwks;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 21: the authority record, the spent mandate and the spent approval in one transaction; the signature; the JTI.</summary>
internal sealed class RecordAndSign(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        if (await SigningStep.FindSignerAsync(parts, exchange, cancellationToken) is not { } signer)
        {
            return StsErrors.NoUsableKey;
        }

        if (exchange.ReissueRecord is { } record)
        {
            return await ReissueAsync(exchange, signer, record, cancellationToken);
        }

        var sid = Ids.New();
        var claims = MandateClaimsBuilder.Build(exchange, parts.Settings.Issuer, sid);
        if (exchange.Approval is not null)
        {
            claims = claims with { Jti = sid }; // Given again it is the same mandate, and spent once.
        }

        var proof = exchange.Delegation;

        // The commit waits for the disk; signing meanwhile costs no time. Nothing leaves before both are done.
        var writing = parts.Records.InsertAsync(
            NewRecord(exchange, claims), Guard(exchange), proof?.Epoch ?? 0, facts => StillHolds(exchange, facts), cancellationToken);
        var token = exchange.SignsOnDemand ? null : MandateSigner.Sign(signer, claims);
        var outcome = await writing;
        if (outcome != RecordOutcome.Written)
        {
            return await RefuseAsync(exchange, outcome, cancellationToken);
        }

        if (!ReferenceEquals(proof, exchange.Delegation))
        {
            // The graph moved on between decision and insert, and still carries this Delegation: say so as it is now.
            claims = MandateClaimsBuilder.Build(exchange, parts.Settings.Issuer, sid) with { Jti = claims.Jti };
            token = null;
        }

        exchange.Minted = claims;
        exchange.Signer = signer;
        exchange.AccessToken = token;
        if (exchange.Approval is { } approval)
        {
            await parts.Audit.StepUpConsumedAsync(exchange, approval, reissuedRecord: null, cancellationToken);
        }

        return await SigningStep.RegisterAsync(parts, exchange, claims, cancellationToken);
    }

    /// <summary>How long a spent mandate is remembered: beyond the leeway within which it would still be accepted.</summary>
    public static DateTimeOffset UsedUntil(MandateClaims mandate) => DateTimeOffset.FromUnixTimeSeconds(mandate.ExpiresAt + 120);

    // Ids that were only looked up, but granted nothing, are not guarded.
    private static ExchangeLookup Guard(Exchange exchange) =>
        new(exchange.ZoneId, exchange.Record?.Id, exchange.Session?.Id, exchange.Delegation?.Edge.Id);

    private static NewAuthorityRecord NewRecord(Exchange exchange, MandateClaims claims) => new()
    {
        Id = claims.Sid!,
        ZoneId = exchange.ZoneId,
        SessionType = claims.SubjectType!,
        SubjectId = claims.Subject!,
        ParentId = claims.Use == MandateUse.Resource ? exchange.Record?.Id : null,
        ExpiresAt = exchange.Now.AddSeconds(exchange.LifetimeSeconds),
        Now = exchange.Now,
        FactsVersion = exchange.Facts.AuthorityVersion,
        UsedJti = exchange.IsGateway ? exchange.SubjectClaims!.Jti : null,
        UsedJtiIssuedAt = exchange.IsGateway ? DateTimeOffset.FromUnixTimeSeconds(exchange.SubjectClaims!.IssuedAt ?? 0) : default,
        UsedJtiExpiresAt = exchange.IsGateway ? UsedUntil(exchange.SubjectClaims!) : default,
        ApprovalId = exchange.Approval?.Id,
    };

    // B10: everything that granted this, as it is under the zone's lock.
    private bool StillHolds(Exchange exchange, ExchangeFacts facts)
    {
        if (exchange.Record is { } record && (facts.Record is not { } stored || stored.Id != record.Id || !stored.IsLive(exchange.Now)))
        {
            return false;
        }

        if (exchange.Session is null)
        {
            return true;
        }

        if (facts.Session is not { } session || session.ApplicationId != exchange.Session.ApplicationId || !session.IsActive(exchange.Now))
        {
            return false;
        }

        if (exchange.Delegation is not { } proof)
        {
            return true;
        }

        if (CheckSessionAndDelegation.Prove(exchange, facts, parts.Settings.CrossApplicationChains, exchange.Now) is not { } again)
        {
            return false;
        }

        if (again.Epoch != proof.Epoch)
        {
            exchange.Delegation = again;
        }

        return true;
    }

    private async ValueTask<Verdict> RefuseAsync(Exchange exchange, RecordOutcome outcome, CancellationToken cancellationToken)
    {
        switch (outcome)
        {
            case RecordOutcome.MandateAlreadyUsed:
                await parts.Audit.DenyAsync(exchange, "mandate_already_used", cancellationToken);
                return StsErrors.MandateAlreadyUsed;
            case RecordOutcome.ApprovalAlreadyConsumed:
                await parts.Audit.DenyAsync(exchange, "approval_already_consumed", cancellationToken);
                return StsErrors.ApprovalConsumed;
            default:
                await parts.Audit.DenyAsync(exchange, "authority_gone", cancellationToken);
                return StsErrors.AuthorityGone;
        }
    }

    // With the id and the end of the first: one approval is one mandate, however often its answer was lost, and where it is spent it
    // is known by both. The id was registered then.
    private async ValueTask<Verdict> ReissueAsync(Exchange exchange, OpenedKey signer, RecordFacts record, CancellationToken cancellationToken)
    {
        var left = record.ExpiresAt.ToUnixTimeSeconds() - exchange.Now.ToUnixTimeSeconds();
        if (exchange.LifetimeSeconds < left - 1)
        {
            // Less is asked for, or may be given, than the first one was: it would not be the same mandate.
            await parts.Audit.DenyAsync(exchange, "approval_already_consumed", cancellationToken);
            return StsErrors.ApprovalConsumed;
        }

        exchange.LifetimeSeconds = left;
        var claims = MandateClaimsBuilder.Build(exchange, parts.Settings.Issuer, record.Id) with { Jti = record.Id };
        exchange.Minted = claims;
        exchange.AccessToken = MandateSigner.Sign(signer, claims);
        await parts.Audit.StepUpConsumedAsync(exchange, exchange.Reissue!, record.Id, cancellationToken);
        return Verdict.Continue;
    }
}
