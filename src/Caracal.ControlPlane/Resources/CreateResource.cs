using Caracal.Authority.AdminAccess;
using Caracal.Authority.Resources;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Resources;

/// <summary><c>POST …/resources</c>.</summary>
internal sealed class CreateResource(
    Changes changes, ControlPlaneSettings settings, ControlResource control, ResourceCheck check, RateLimits limits)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = new ResourceFields(call);
        var name = Blank(fields.Name);
        var identifier = Blank(fields.Identifier);
        if (name is null && identifier is null) fields.Note("name", "or identifier is required");
        if (fields.Scopes is null) fields.Note("scopes", "is required");
        if (fields.Problem() is { } problem) return problem;
        var isControl = control.Is(identifier);
        if (isControl && !call.Caller.IsGlobal) return ControlPlaneErrors.ProtectedResource;
        if (!isControl && identifier is not null && !ResourceRules.IsIdentifier(identifier)) return ControlPlaneErrors.InvalidResourceIdentifier;
        if (!call.MayUse(ReservedNames.IsReservedResource(identifier))) return ControlPlaneErrors.ReservedNamespace;
        if (!isControl && fields.ProviderId is null) return ControlPlaneErrors.CredentialProviderRequired;
        if (!isControl && fields.UpstreamUrl is null) return ControlPlaneErrors.UpstreamUrlRequired;
        var operations = ResourceRules.Operations(fields.Operations ?? [], fields.Scopes!);
        if (operations.Refusal is { } refused) return refused;

        if (fields.Check && await RefuseAsync(call, fields, identifier ?? name!) is { } failed) return failed;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                if (fields.ProviderId is not null && await ProviderStore.FindAsync(work.Connection, call.ZoneId, fields.ProviderId) is null)
                {
                    return ControlPlaneErrors.ProviderNotFound;
                }

                if (await ResourceStore.CountActiveAsync(work.Connection, call.ZoneId) >= settings.MaximumResourcesPerZone) return ControlPlaneErrors.ResourceQuotaExceeded;
                if (await IdentifierAsync(work, call.ZoneId, identifier, name) is not { } chosen) return ControlPlaneErrors.ResourceIdentifierConflict;
                if (identifier is null && !ResourceRules.IsIdentifier(chosen)) return ControlPlaneErrors.InvalidResourceIdentifier;
                if (!call.MayUse(ReservedNames.IsReservedResource(chosen))) return ControlPlaneErrors.ReservedNamespace;
                var row = new ResourceRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name ?? chosen,
                    Identifier = chosen,
                    UpstreamUrl = fields.UpstreamUrl,
                    CredentialProviderId = fields.ProviderId ?? await control.EnsureProviderAsync(work, call),
                    Scopes = fields.Scopes!,
                    Operations = ResourceFields.ToJson(operations.Operations),
                    OperationEnforcement = fields.Enforcement ?? ResourceRules.Enforced,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await ResourceStore.InsertAsync(work, row);
                return Answer.Created(row.Id, ResourceJson.Of(row));
            },
            ControlPlaneErrors.ResourceIdentifierConflict);
    }

    // The check comes first: what fails it is not stored at all (api.md 8).
    private async Task<Answer?> RefuseAsync(ApiCall call, ResourceFields fields, string identifier)
    {
        var provider = await changes.Database.ReadAsync(
            connection => ProviderStore.FindAsync(connection, call.ZoneId, fields.ProviderId ?? ""), call.Cancelled);
        if (provider is null) return ControlPlaneErrors.ProviderNotFound;
        if (!ResourceCheck.Supports(provider, fields.UpstreamUrl)) return ControlPlaneErrors.ResourceVerificationUnsupported;
        if (!await limits.AdmitAsync($"rl:resourcetest:{call.ZoneId}", ResourceCheck.PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ResourceTestRateLimited with { RetryAfterSeconds = 60 };
        }

        var result = await check.RunAsync(call.ZoneId, identifier, fields.UpstreamUrl!, call.Cancelled);
        return result.Status == ResourceCheck.Guarded
            ? null
            : Answer.Refused(ControlPlaneErrors.ResourceCheckFailed.With(result.Detail), JsonRows.Object(writer =>
            {
                writer.WriteStartObject("check");
                result.Write(writer);
                writer.WriteEndObject();
            }));
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    // Null when the identifier the caller insists on, or the only candidate, is taken.
    private static async Task<string?> IdentifierAsync(Work work, string zoneId, string? wanted, string? name)
    {
        IEnumerable<string> candidates = wanted is null ? ResourceRules.Candidates(name!) : [wanted];
        foreach (var candidate in candidates)
        {
            if (await ResourceStore.FindByIdentifierAsync(work.Connection, zoneId, candidate) is null) return candidate;
        }

        return null;
    }
}
