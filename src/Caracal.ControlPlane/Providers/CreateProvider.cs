using System.Text.Json;
using Caracal.Authority.AdminAccess;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Providers;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>POST …/providers</c>: public fields are stored normalised, secrets sealed with the row.</summary>
internal sealed class CreateProvider(Changes changes, ProviderSecrets secrets, ProviderCheck checks, RateLimits limits)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidProvider);
        var name = Blank(fields.NullableText("name", 0, 200, trim: true));
        var identifier = Blank(fields.NullableText("identifier", 0, 512, trim: true));
        var kind = fields.Text("kind", 1, 64);
        var check = fields.Flag("check") ?? false;
        if (name is null && identifier is null) fields.Note("name", "or identifier is required");
        if (kind.Length > 0 && !ProviderKinds.IsKind(kind)) fields.Note("kind", "is not a provider kind");
        if (fields.Problem() is { } problem) return problem;
        if (identifier is not null && !ProviderIdentifiers.IsIdentifier(identifier)) return ControlPlaneErrors.InvalidProviderIdentifier;
        if (!call.MayUse(ReservedNames.IsReservedProvider(identifier))) return ControlPlaneErrors.ReservedNamespace;
        var config = ProviderConfigReader.Read(kind, ConfigOf(call.Body), []);
        if (config.Config is null) return ControlPlaneErrors.InvalidProviderConfig.With(config.Problem!);

        if (check && await RefuseAsync(call, kind, config.Config) is { } failed) return failed;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
                if (await IdentifierAsync(work, call, identifier, name, kind) is not { } chosen) return ControlPlaneErrors.ProviderIdentifierConflict;
                if (!call.MayUse(ReservedNames.IsReservedProvider(chosen))) return ControlPlaneErrors.ReservedNamespace;
                var row = new ProviderRow
                {
                    Id = Ids.New(),
                    ZoneId = call.ZoneId,
                    Name = name ?? chosen,
                    Identifier = chosen,
                    ProviderKind = kind,
                    ConfigJson = new JsonText(ProviderSecrets.PublicJson(config.Config)),
                    SecretConfigKeys = [.. config.Config.Secrets.Keys],

                    // An OAuth client nobody tried counts as unproven.
                    ConnectivityFailedAt = ProviderKinds.IsOAuth(kind) && !check ? call.Now : null,
                    CreatedBy = call.Caller.Actor,
                    CreatedAt = call.Now,
                    UpdatedAt = call.Now,
                };
                await ProviderStore.InsertAsync(work, row);
                await secrets.StoreAsync(work, call.ZoneId, row.Id, config.Config.Secrets, merge: false, call.Now);
                return Answer.Created(row.Id, ProviderJson.Of(row));
            },
            ControlPlaneErrors.ProviderIdentifierConflict);
    }

    // The check comes first: what fails it is not stored at all (api.md 7).
    private async Task<Answer?> RefuseAsync(ApiCall call, string kind, ProviderConfig config)
    {
        if (!ProviderKinds.IsOAuth(kind)) return ControlPlaneErrors.ProviderCheckUnsupported;
        if (!await limits.AdmitAsync($"rl:providertest:{call.ZoneId}", TestProvider.PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ProviderTestRateLimited with { RetryAfterSeconds = 60 };
        }

        var result = await checks.RunAsync(kind, ProviderSecrets.PublicJson(config), config.Secrets, call.Cancelled);
        return result.IsOk
            ? null
            : Answer.Refused(ControlPlaneErrors.ProviderCheckFailed.With(result.Detail), JsonRows.Object(writer =>
            {
                writer.WriteStartObject("check");
                result.Write(writer);
                writer.WriteEndObject();
            }));
    }

    internal static JsonElement ConfigOf(JsonElement? body) =>
        body is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty("config_json", out var config) && config.ValueKind != JsonValueKind.Null
            ? config
            : default;

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static async Task<string?> IdentifierAsync(Work work, ApiCall call, string? wanted, string? name, string kind)
    {
        var candidates = wanted is null ? ProviderIdentifiers.Candidates(name, kind) : [wanted];
        foreach (var candidate in candidates)
        {
            if (await ProviderStore.FindByIdentifierAsync(work.Connection, call.ZoneId, candidate) is null) return candidate;
        }

        return null;
    }
}
