using System.Text;
using Caracal.Authority.Workloads;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Jwks;
using Caracal.Sts.Providers;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.TokenExchange.Steps;

namespace Caracal.Sts.Workloads;

/// <summary>What a workload is given in the end: its provider's credential, or a mandate where the provider has none (sts.md 9.5).</summary>
internal sealed class WorkloadCredentials(ExchangeParts parts, LaunchAudit audit)
{
    private const long MandateSeconds = 900;

    /// <summary>The credential, with the approval spent last; or why there is none.</summary>
    public async Task<(UpstreamToken? Credential, Refusal? Refusal)> IssueAsync(Launch launch, CancellationToken cancellationToken)
    {
        var provider = launch.Zone!.FindProvider(launch.Resource!.ProviderId!)!;
        return InjectionRules.TakesMandate(provider.Kind)
            ? await MintAsync(launch, cancellationToken)
            : await BrokerAsync(launch, cancellationToken);
    }

    private async Task<(UpstreamToken? Credential, Refusal? Refusal)> BrokerAsync(Launch launch, CancellationToken cancellationToken)
    {
        var directive = await parts.Credentials.FindAsync(launch.Zone!, launch.Resource!, default, cancellationToken);
        if (directive?.ProviderToken is not { Length: > 0 } token)
        {
            await audit.DenyAsync(launch, "provider_credential_unavailable", cancellationToken);
            return (null, StsErrors.CredentialFailed);
        }

        if (launch.Approval is { } approval)
        {
            if (!await parts.Holds.ConsumeAsync(approval.Id, launch.ZoneId, launch.Now, cancellationToken))
            {
                await audit.DenyAsync(launch, "approval_already_consumed", cancellationToken);
                return (null, StsErrors.ApprovalConsumed);
            }

            await audit.StepUpConsumedAsync(launch, approval, cancellationToken);
        }

        return (new UpstreamToken(token, directive.ExpiresAt is { } end ? DateTimeOffset.FromUnixTimeSeconds(end) : null), null);
    }

    private async Task<(UpstreamToken? Credential, Refusal? Refusal)> MintAsync(Launch launch, CancellationToken cancellationToken)
    {
        if (await SigningStep.FindSignerAsync(parts, launch.Zone!, launch.Now, cancellationToken) is not { } signer)
        {
            return (null, StsErrors.NoUsableKey);
        }

        var claims = Claims(launch);
        if (await WriteAsync(launch, claims, cancellationToken) is { } refusal)
        {
            return (null, refusal);
        }

        if (!await SigningStep.TryRegisterAsync(parts, claims, MandateSeconds, cancellationToken))
        {
            await audit.JtiCollisionAsync(launch, claims.Jti!, cancellationToken);
            return (null, StsErrors.Internal);
        }

        return (new UpstreamToken(Encoding.ASCII.GetString(MandateSigner.Sign(signer, claims)), DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt)), null);
    }

    // The record and the spent approval are one change.
    private async Task<Refusal?> WriteAsync(Launch launch, MandateClaims claims, CancellationToken cancellationToken)
    {
        var outcome = await parts.Records.InsertAsync(
            new NewAuthorityRecord
            {
                Id = claims.Sid!,
                ZoneId = launch.ZoneId,
                SessionType = "application",
                SubjectId = launch.Workload.Id,
                ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt),
                Now = launch.Now,
                ApprovalId = launch.Approval?.Id,
            },
            new ExchangeLookup(launch.ZoneId, null, null, null), epoch: 0, _ => true, cancellationToken);
        if (outcome != RecordOutcome.Written)
        {
            await audit.DenyAsync(launch, "approval_already_consumed", cancellationToken);
            return StsErrors.ApprovalConsumed;
        }

        if (launch.Approval is { } approval)
        {
            await audit.StepUpConsumedAsync(launch, approval, cancellationToken);
        }

        return null;
    }

    private MandateClaims Claims(Launch launch)
    {
        var issuedAt = launch.Now.ToUnixTimeSeconds();
        var sid = Ids.New();
        return new MandateClaims
        {
            Issuer = parts.Settings.Issuer,
            Subject = launch.Workload.Id,
            Audience = [launch.Resource!.Identifier],
            ExpiresAt = issuedAt + Math.Min(MandateSeconds, parts.Settings.MaximumGrantSeconds),
            IssuedAt = issuedAt,
            Jti = Ids.New(),
            ZoneId = launch.ZoneId,
            ClientId = launch.Workload.Id,
            Scope = launch.Binding!.Scopes.IsEmpty ? null : string.Join(' ', launch.Binding.Scopes),
            Sid = sid,
            RootSid = sid,
            Use = MandateUse.Resource,
            SubjectType = "application",
            Target = [launch.Resource.Identifier],
        };
    }
}
