using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary><c>POST …/providers/{id}/credential/shift</c>: from the commit on every call uses the second credential, and what upstreams say to it is counted.</summary>
internal sealed class ShiftCredential(CredentialSteps steps, CredentialSlots slots)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        var seconds = fields.Integer("observe_seconds", (long)CredentialChangeRules.ShortestObservation.TotalSeconds, (long)CredentialChangeRules.LongestObservation.TotalSeconds)
            ?? (long)CredentialChangeRules.Observation.TotalSeconds;
        var refusals = fields.Integer("refusals_allowed", 1, CredentialChangeRules.MostRefusals) ?? CredentialChangeRules.Refusals;
        var percent = fields.Integer("refused_percent", 1, 100) ?? CredentialChangeRules.RefusedPercent;
        var automatic = fields.Flag("automatic") ?? true;
        var force = fields.Flag("force") ?? false;
        if (fields.Problem() is { } problem) return problem;
        return await steps.TakeAsync(call, version, "shifted", async (work, provider, change) =>
        {
            if (change is null || !CredentialChangeRules.IsWaiting(change.State)) return ControlPlaneErrors.CredentialNotStaged;
            if (change.State != CredentialChangeRules.Proven && !force) return ControlPlaneErrors.CredentialNotProven;
            var until = call.Now.AddSeconds(seconds);
            if (await slots.ShiftAsync(work, provider, change, until, call.Caller.Actor, call.Now) is not { } shifted) return ControlPlaneErrors.SecretBackendUnavailable;
            return shifted with
            {
                State = CredentialChangeRules.Shifted,
                Forced = change.State != CredentialChangeRules.Proven,
                Automatic = automatic,
                RefusalsAllowed = refusals,
                RefusedPercent = percent,
                ShiftedAt = call.Now,
                ObserveUntil = until,
                UpdatedAt = call.Now,
            };
        });
    }
}
