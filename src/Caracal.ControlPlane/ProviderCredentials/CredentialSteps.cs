using System.Data.Common;
using System.Globalization;
using Caracal.Authority.AdminAccess;
using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Events;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>What a step makes of a change, or why it may not; the default refuses.</summary>
internal readonly record struct StepResult(CredentialChange? Change, Answer? Refused)
{
    public static implicit operator StepResult(CredentialChange change) => new(change, null);

    public static implicit operator StepResult(Refusal refusal) => new(null, refusal);
}

/// <summary>
/// The frame of every step: the provider's row is held still, a step that somebody else has overtaken is refused, and the
/// event in the zone's ledger commits with the step.
/// </summary>
internal sealed class CredentialSteps(Changes changes)
{
    public Database Database => changes.Database;

    /// <summary>Takes one step of the change that a call names.</summary>
    /// <param name="call">Who asks for what.</param>
    /// <param name="version">The change's version as the caller knows it; null when it does not matter.</param>
    /// <param name="name">The step, for the ledger.</param>
    /// <param name="take">Gets the provider and its latest change, null when it never had one.</param>
    /// <param name="created">Answered with 201.</param>
    public async Task<Answer> TakeAsync(
        ApiCall call, long? version, string name, Func<Work, ProviderRow, CredentialChange?, Task<StepResult>> take, bool created = false)
    {
        // Judged before the step and in it: the embedded store has one writer, and a refusal must not hold it.
        var (_, _, early) = await changes.Database.ReadAsync(connection => FindAsync(connection, call, version), call.Cancelled);
        if (early is not null) return early;
        return await changes.ConfigureAsync(
            call,
            async work =>
            {
                if (!await CredentialChangeStore.LockProviderAsync(work, call.ZoneId, call.Id)) return ControlPlaneErrors.ProviderNotFound;
                var (provider, before, overtaken) = await FindAsync(work.Connection, call, version);
                if (provider is null || overtaken is not null) return overtaken ?? ControlPlaneErrors.ProviderNotFound;
                var (after, refused) = await take(work, provider, before);
                if (after is null) return refused ?? ControlPlaneErrors.CredentialChanged;
                if (await SaveAsync(work, before, after) is not { } saved) return ControlPlaneErrors.CredentialChanged;
                await AnnounceAsync(work, saved, name, call.RequestId, call.Caller.Actor, call.Now);
                return created ? Answer.Created(saved.Id, CredentialJson.Of(saved)) : Answer.Ok(CredentialJson.Of(saved));
            },
            ControlPlaneErrors.CredentialChangeOpen);
    }

    private static async Task<(ProviderRow? Provider, CredentialChange? Latest, Answer? Refused)> FindAsync(DbConnection connection, ApiCall call, long? version)
    {
        if (await ProviderStore.FindAsync(connection, call.ZoneId, call.Id) is not { } provider) return (null, null, ControlPlaneErrors.ProviderNotFound);
        if (!call.MayUse(ReservedNames.IsReservedProvider(provider.Identifier))) return (null, null, ControlPlaneErrors.ReservedNamespace);
        var latest = await CredentialChangeStore.FindLatestAsync(connection, call.ZoneId, call.Id);
        return version is not null && version != latest?.Version ? (null, null, ControlPlaneErrors.CredentialChanged) : (provider, latest, null);
    }

    /// <summary>Writes a step; null when somebody else was faster.</summary>
    public static async Task<CredentialChange?> SaveAsync(Work work, CredentialChange? before, CredentialChange after)
    {
        if (before?.Id == after.Id) return await CredentialChangeStore.UpdateAsync(work, before, after) ? after with { Version = before.Version + 1 } : null;
        await CredentialChangeStore.InsertAsync(work, after);
        return after;
    }

    /// <summary>The event of a step in the zone's ledger: what happened, never a value.</summary>
    public Task AnnounceAsync(Work work, CredentialChange change, string step, string requestId, string actor, DateTimeOffset now) =>
        changes.AnnounceAuditAsync(work, new AuditEvent
        {
            Id = Ids.New(),
            ZoneId = change.ZoneId,
            EventType = AuditEventTypes.ProviderCredential,
            RequestId = requestId,
            Decision = AuditDecisions.Allow,
            MetadataJson = AuditMetadata.Of(Members(change, step, actor)),
            OccurredAt = now,
        });

    private static IEnumerable<(string Name, string? Value)> Members(CredentialChange change, string step, string actor)
    {
        var counted = change.State is CredentialChangeRules.FellBack or CredentialChangeRules.Retired;
        yield return ("step", step);
        yield return ("provider_id", change.ProviderId);
        yield return ("change_id", change.Id);
        yield return ("state", change.State);
        yield return ("canary", change.CanaryStatus);
        yield return ("forced", change.Forced ? "true" : null);
        yield return ("answers", counted ? change.Answers.ToString(CultureInfo.InvariantCulture) : null);
        yield return ("refusals", counted ? change.Refusals.ToString(CultureInfo.InvariantCulture) : null);
        yield return ("reason", change.EndReason);
        yield return ("actor", actor);
    }

    /// <summary>Records a step nobody asked for as the API records those that somebody did.</summary>
    public Task AppendAsync(Work work, CredentialChange change, string verb, DateTimeOffset now)
    {
        var path = $"/v1/zones/{change.ZoneId}/providers/{change.ProviderId}/credential/{verb}";
        return changes.AppendAsync(work, new Evidence.AdminAudit.AdminAuditEntry
        {
            RequestId = change.Id,
            ActorName = ObserveCredentials.Actor,
            Action = $"POST {path}",
            Method = "POST",
            Path = path,
            ZoneId = change.ZoneId,
            EntityType = "providers",
            EntityId = change.ProviderId,
            StatusCode = 200,
            PayloadJson = $$"""{"answers":{{change.Answers}},"change_kind":"action","refusals":{{change.Refusals}}}""",
            OccurredAt = now,
        });
    }
}
