using Caracal.Authority.AdminAccess;
using Caracal.Authority.Resources;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>PATCH …/resources/{id}</c>; stored operations are held against new scopes again.</summary>
internal sealed class UpdateResource(Changes changes, ControlResource control)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = new ResourceFields(call);
        if (fields.Problem() is { } problem) return problem;
        if (!fields.Any) return ControlPlaneErrors.NoFields;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (await ResourceStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.ResourceNotFound;
                var changed = row with
                {
                    Name = string.IsNullOrWhiteSpace(fields.Name) ? row.Name : fields.Name,
                    Identifier = string.IsNullOrWhiteSpace(fields.Identifier) ? row.Identifier : fields.Identifier,
                    UpstreamUrl = fields.HasUpstream ? fields.UpstreamUrl : row.UpstreamUrl,
                    Scopes = fields.Scopes ?? row.Scopes,
                    CredentialProviderId = fields.HasProvider ? fields.ProviderId ?? "" : row.CredentialProviderId,
                    OperationEnforcement = fields.Enforcement ?? row.OperationEnforcement,
                    UpdatedBy = call.Caller.Actor,
                    UpdatedAt = call.Now,
                };
                if ((control.Is(row.Identifier) || control.Is(changed.Identifier)) && (!call.Caller.IsGlobal || row.Identifier != changed.Identifier))
                {
                    return ControlPlaneErrors.ProtectedResource;
                }

                if (await CheckAsync(work, call, row, changed) is { } refusal) return refusal;
                var operations = ResourceRules.Operations(fields.Operations ?? ResourceFields.FromJson(row.Operations), changed.Scopes);
                if (operations.Refusal is { } refused) return refused;
                changed = changed with { Operations = ResourceFields.ToJson(operations.Operations) };
                await ResourceStore.UpdateAsync(work, changed);
                return Answer.Ok(ResourceJson.Of(changed));
            },
            ControlPlaneErrors.ResourceIdentifierConflict);
    }

    private async Task<Answer?> CheckAsync(Storage.Work work, ApiCall call, ResourceRow row, ResourceRow changed)
    {
        if (!control.Is(changed.Identifier))
        {
            if (changed.Identifier != row.Identifier && !ResourceRules.IsIdentifier(changed.Identifier)) return ControlPlaneErrors.InvalidResourceIdentifier;
            if (changed.CredentialProviderId.Length == 0) return ControlPlaneErrors.CredentialProviderRequired;
            if (changed.UpstreamUrl is null) return ControlPlaneErrors.UpstreamUrlRequired;
        }

        if (!call.MayUse(ReservedNames.IsReservedResource(changed.Identifier) || ReservedNames.IsReservedResource(row.Identifier)))
        {
            return ControlPlaneErrors.ReservedNamespace;
        }

        if (changed.CredentialProviderId != row.CredentialProviderId
            && await ProviderStore.FindAsync(work.Connection, call.ZoneId, changed.CredentialProviderId) is null)
        {
            return ControlPlaneErrors.ProviderNotFound;
        }

        var taken = changed.Identifier != row.Identifier
            && await ResourceStore.FindByIdentifierAsync(work.Connection, call.ZoneId, changed.Identifier) is not null;
        return taken ? (Answer)ControlPlaneErrors.ResourceIdentifierConflict : null;
    }
}
