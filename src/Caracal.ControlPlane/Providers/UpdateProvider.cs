using Caracal.Authority.AdminAccess;
using Caracal.Authority.ProviderCredentials;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>PATCH …/providers/{id}</c>: a config replaces the whole public part; secrets are merged, unless the kind changes.</summary>
internal sealed class UpdateProvider(Changes changes, ProviderSecrets secrets)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidProvider);
        var name = fields.NullableText("name", 0, 200, trim: true);
        var identifier = fields.NullableText("identifier", 0, 512, trim: true);
        var kind = fields.OptionalText("kind", 1, 64);
        var hasConfig = fields.Has("config_json") && !fields.IsNull("config_json");
        if (kind is not null && !ProviderKinds.IsKind(kind)) fields.Note("kind", "is not a provider kind");
        if (fields.Problem() is { } problem) return problem;
        if (string.IsNullOrEmpty(name) && string.IsNullOrEmpty(identifier) && kind is null && !hasConfig) return ControlPlaneErrors.NoFields;
        if (!string.IsNullOrEmpty(identifier) && !ProviderIdentifiers.IsIdentifier(identifier)) return ControlPlaneErrors.InvalidProviderIdentifier;
        if (kind is not null && !hasConfig) return ControlPlaneErrors.ProviderConfigRequired;
        var config = CreateProvider.ConfigOf(call.Body);

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await CredentialChangeStore.LockProviderAsync(work, call.ZoneId, call.Id)
                    || await ProviderStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row)
                {
                    return ControlPlaneErrors.ProviderNotFound;
                }

                // A second credential was staged for this configuration; whoever wants another one ends that first.
                if (hasConfig && await CredentialChangeStore.FindLatestAsync(work.Connection, call.ZoneId, call.Id) is { } open
                    && CredentialChangeRules.IsOpen(open.State))
                {
                    return ControlPlaneErrors.CredentialChangeOpen;
                }

                var changed = row with
                {
                    Name = string.IsNullOrEmpty(name) ? row.Name : name,
                    Identifier = string.IsNullOrEmpty(identifier) ? row.Identifier : identifier,
                    ProviderKind = kind ?? row.ProviderKind,
                    UpdatedBy = call.Caller.Actor,
                    UpdatedAt = call.Now,
                };
                if (!call.MayUse(ReservedNames.IsReservedProvider(changed.Identifier) || ReservedNames.IsReservedProvider(row.Identifier)))
                {
                    return ControlPlaneErrors.ReservedNamespace;
                }

                if (changed.Identifier != row.Identifier
                    && await ProviderStore.FindByIdentifierAsync(work.Connection, call.ZoneId, changed.Identifier) is not null)
                {
                    return ControlPlaneErrors.ProviderIdentifierConflict;
                }

                if (hasConfig)
                {
                    var read = ProviderConfigReader.Read(changed.ProviderKind, config, kind is null ? row.SecretConfigKeys : []);
                    if (read.Config is null) return ControlPlaneErrors.InvalidProviderConfig.With(read.Problem!);
                    if (await secrets.StoreAsync(work, call.ZoneId, row.Id, read.Config.Secrets, merge: kind is null, call.Now) is not { } names)
                    {
                        return ControlPlaneErrors.SecretBackendUnavailable;
                    }

                    changed = changed with { ConfigJson = new JsonText(ProviderSecrets.PublicJson(read.Config)), SecretConfigKeys = names };
                }

                await ProviderStore.UpdateAsync(work, changed);
                return Answer.Ok(ProviderJson.Of(changed));
            },
            ControlPlaneErrors.ProviderIdentifierConflict);
    }
}
