using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Authority.Approvals;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Protocol;
using Caracal.Storage.Approvals;
using Caracal.Sts.Approvals;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Workloads;

/// <summary>A refusal, or one that was already written with the hold it shows.</summary>
internal readonly record struct HoldAnswer(Refusal Refusal, bool Answered);

/// <summary>Human approval for a workload's credential (sts.md 8, 9.5): bound to the workload alone, with no second answer for a lost one.</summary>
internal sealed class WorkloadApprovals(ExchangeParts parts, LaunchAudit audit)
{
    /// <summary>Checks an approval that is presented; null goes on.</summary>
    public async Task<HoldAnswer?> PresentAsync(HttpContext context, Launch launch, string? id, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(id))
        {
            return null;
        }

        var client = StepUpThrottle.ApplicationKey(launch.ZoneId, launch.Workload.Id);
        if (parts.StepUpThrottle.RetryAfter(client) is { } wait)
        {
            return new(StsErrors.ApprovalThrottled with { RetryAfterSeconds = wait }, false);
        }

        var hold = Guid.TryParse(id, out _) ? await parts.Holds.FindAsync(id, cancellationToken) : null;
        if (hold is null
            || hold.ChallengeType != "human_approval"
            || hold.ZoneId != launch.ZoneId
            || hold.PrincipalId != launch.Workload.Id
            || hold.SessionId.Length > 0
            || !CryptographicOperations.FixedTimeEquals(hold.ResourceSetHash, BindingOf(launch).Hash()))
        {
            parts.StepUpThrottle.Fail(client);
            return await DenyAsync(launch, "approval_invalid", StsErrors.ApprovalMismatch, cancellationToken);
        }

        return await JudgeAsync(context, launch, hold, "approval_expired", cancellationToken);
    }

    /// <summary>Holds what policy gates; null goes on.</summary>
    public async Task<HoldAnswer?> HoldAsync(HttpContext context, Launch launch, PolicyDecision decision, CancellationToken cancellationToken)
    {
        if (launch.Approval is not null || decision.StepUp.IsEmpty)
        {
            return null;
        }

        // A workload stands for no person, so a decision that only its subject may make could never be made.
        if (HoldTerms.Merge(decision.StepUp) is not { Approver: not "subject" } terms)
        {
            return await DenyAsync(launch, "approval_class_conflict", StsErrors.ApprovalConflict, cancellationToken);
        }

        var (hold, created) = await parts.Holds.EnsureAsync(NewHold(launch, terms), launch.Now, cancellationToken);
        if (created)
        {
            await audit.StepUpIssuedAsync(launch, hold, cancellationToken);
        }

        return await JudgeAsync(context, launch, hold, "approval_expired", cancellationToken);
    }

    /// <summary>True when another policy decides now than the one this call was approved under.</summary>
    public async Task<bool> HasPolicyChangedAsync(Launch launch, CancellationToken cancellationToken)
    {
        if (launch.Approval is null)
        {
            return false;
        }

        var now = (await parts.Zones.GetFreshAsync(launch.ZoneId, cancellationToken))?.Policy;
        if (now is not null && now.VersionId == launch.Zone!.Policy.VersionId && now.ManifestSha == launch.Zone.Policy.ManifestSha)
        {
            return false;
        }

        await audit.DenyAsync(launch, "approval_policy_changed", cancellationToken);
        return true;
    }

    private async Task<HoldAnswer?> JudgeAsync(
        HttpContext context, Launch launch, Hold hold, string expired, CancellationToken cancellationToken)
    {
        switch (hold.StateAt(launch.Now))
        {
            case "approved":
                launch.Approval = hold;
                return null;
            case "pending":
                await TokenAnswer.WriteHoldAsync(context, hold, launch.Now);
                return new(StsErrors.ApprovalRequired, true);
            case "rejected":
                return await DenyAsync(launch, "approval_rejected", StsErrors.ApprovalRejected, cancellationToken);
            case "consumed":
                return await DenyAsync(launch, "approval_already_consumed", StsErrors.ApprovalConsumed, cancellationToken);
            default:
                return await DenyAsync(launch, expired, StsErrors.ApprovalExpired, cancellationToken);
        }
    }

    private async Task<HoldAnswer?> DenyAsync(Launch launch, string status, Refusal refusal, CancellationToken cancellationToken)
    {
        await audit.DenyAsync(launch, status, cancellationToken);
        return new HoldAnswer(refusal, false);
    }

    private static ApprovalBinding BindingOf(Launch launch) => new()
    {
        Resources = [launch.Resource!.Identifier],
        Scopes = launch.Binding!.Scopes,
        PrincipalId = launch.Workload.Id,
        PolicySetVersionId = launch.Zone!.Policy.VersionId,
        PolicyManifestSha = launch.Zone.Policy.ManifestSha,
        ContractVersion = DecisionContractModule.Version,
        ContractSha = DecisionContractModule.Sha256,
    };

    private static Hold NewHold(Launch launch, HoldTerms terms) => new()
    {
        Id = Ids.NewRandom(),
        ZoneId = launch.ZoneId,
        PrincipalId = launch.Workload.Id,
        Tier = terms.Tier,
        ApproverClass = terms.Approver,
        PrivacyMode = terms.Privacy,
        ResourceSetHash = BindingOf(launch).Hash(),
        CreatedAt = launch.Now,
        ExpiresAt = launch.Now + terms.Ttl,
        MetadataJson = MetadataOf(launch),
    };

    private static string MetadataOf(Launch launch)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            Bindings.WriteTexts(writer, "requested_scopes", launch.Binding!.Scopes);
            Bindings.WriteTexts(writer, "resources", [launch.Resource!.Identifier]);
            Bindings.WritePolicy(writer, launch.Zone!.Policy);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
