using System.Text.Json;
using Caracal.Authority.ProviderCredentials;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary><c>POST …/providers/{id}/credential/stage</c>: seals a second credential beside the one in use.</summary>
internal sealed class StageCredential(CredentialSteps steps, CredentialSlots slots)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var given = fields.Object("config_json") ?? default;
        if (given.ValueKind == JsonValueKind.Undefined && !fields.Has("config_json")) fields.Note("config_json", "is required");
        if (fields.Problem() is { } problem) return problem;
        return await steps.TakeAsync(
            call,
            null,
            "staged",
            async (work, provider, latest) =>
            {
                if (provider.ProviderKind is ProviderKinds.None or ProviderKinds.CaracalMandate) return ControlPlaneErrors.ProviderCredentialUnsupported;
                if (latest is not null && CredentialChangeRules.IsOpen(latest.State)) return ControlPlaneErrors.CredentialChangeOpen;
                var staged = CredentialFields.Stage(provider.ProviderKind, provider.ConfigJson.Value, given);
                if (staged.Config is null) return ControlPlaneErrors.InvalidProviderConfig.With(staged.Problem!);
                await slots.StageAsync(work, call.ZoneId, call.Id, staged.Config.Secrets, call.Now);
                return new CredentialChange
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    ProviderId = call.Id,
                    Version = 1,
                    State = CredentialChangeRules.Staged,
                    Fields = new JsonText(staged.Fields),
                    Automatic = true,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
            },
            created: true);
    }
}
