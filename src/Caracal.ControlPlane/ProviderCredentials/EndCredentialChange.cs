using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.Http;
using Caracal.Storage.ProviderCredentials;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>The ways out: the old credential is retired, put back in use, or the second one is dropped before it was used.</summary>
internal sealed class EndCredentialChange(CredentialSteps steps, CredentialSlots slots, CredentialCounts counts)
{
    /// <summary><c>POST …/credential/retire</c>: only after the observation, unless forced.</summary>
    public async Task<Answer> RetireAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        var force = fields.Flag("force") ?? false;
        if (fields.Problem() is { } problem) return problem;
        return await steps.TakeAsync(call, version, "retired", async (work, _, change) =>
        {
            if (change?.State != CredentialChangeRules.Shifted) return ControlPlaneErrors.CredentialNotShifted;
            if (!CredentialChangeRules.MayRetire(change.ObserveUntil, call.Now, force)) return ControlPlaneErrors.ObservationOpen;
            await slots.RetireAsync(work, call.ZoneId, call.Id);
            return Ended(await counts.OfAsync(change, call.Cancelled), CredentialChangeRules.Retired, null, call.Now);
        });
    }

    /// <summary><c>POST …/credential/fall-back</c>: at any time between shift and retirement.</summary>
    public async Task<Answer> FallBackAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        var reason = fields.OptionalText("reason", 0, 500);
        if (fields.Problem() is { } problem) return problem;
        return await steps.TakeAsync(call, version, "fell_back", async (work, provider, change) =>
        {
            if (change?.State != CredentialChangeRules.Shifted) return ControlPlaneErrors.CredentialNotShifted;
            if (!await slots.FallBackAsync(work, provider, change, call.Caller.Actor, call.Now)) return ControlPlaneErrors.SecretBackendUnavailable;
            return Ended(await counts.OfAsync(change, call.Cancelled), CredentialChangeRules.FellBack, reason ?? "on request", call.Now);
        });
    }

    /// <summary><c>POST …/credential/discard</c>: the credential in use never changed.</summary>
    public async Task<Answer> DiscardAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        if (fields.Problem() is { } problem) return problem;
        return await steps.TakeAsync(call, version, "discarded", async (work, _, change) =>
        {
            if (change is null || !CredentialChangeRules.IsWaiting(change.State)) return ControlPlaneErrors.CredentialNotStaged;
            await CredentialSlots.ClearAsync(work, call.ZoneId, call.Id);
            return Ended(change, CredentialChangeRules.Discarded, null, call.Now);
        });
    }

    internal static CredentialChange Ended(CredentialChange change, string state, string? reason, DateTimeOffset now) =>
        change with { State = state, EndReason = reason, EndedAt = now, UpdatedAt = now };
}
