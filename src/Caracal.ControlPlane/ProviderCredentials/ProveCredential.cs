using System.Text.Json;
using Caracal.Authority.AdminAccess;
using Caracal.Authority.ProviderCredentials;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Providers;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>
/// <c>POST …/providers/{id}/credential/canary</c>: tries the staged credential, an OAuth client at its token endpoint and any
/// other at a resource's upstream. The one in use is not touched, whatever comes of it.
/// </summary>
internal sealed class ProveCredential(CredentialSteps steps, CredentialSlots slots, CredentialTrial trial, RateLimits limits)
{
    private static readonly string[] Encoded = ["%2e", "%2f", "%5c"];

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        var resourceId = fields.OptionalText("resource_id", 1, 128);
        var path = fields.OptionalText("path", 1, 512);
        var method = fields.OneOf("method", "GET", "HEAD") ?? "GET";
        if (path is not null && !IsPath(path)) fields.Note("path", "must begin with / and hold no query, no dot segment and no encoded dot or slash");
        if (fields.Problem() is { } problem) return problem;

        var found = await steps.Database.ReadAsync(connection => ReadAsync(connection, call, resourceId), call.Cancelled);
        if (found.Provider is not { } provider) return ControlPlaneErrors.ProviderNotFound;

        // The step asks both again; here they keep a secret from being sent for a caller who is refused afterwards.
        if (!call.MayUse(ReservedNames.IsReservedProvider(provider.Identifier))) return ControlPlaneErrors.ReservedNamespace;
        if (version is not null && version != found.Change?.Version) return ControlPlaneErrors.CredentialChanged;
        if (found.Change is not { } change || !CredentialChangeRules.IsWaiting(change.State)) return ControlPlaneErrors.CredentialNotStaged;
        if (resourceId is not null && found.Resource is null) return ControlPlaneErrors.ResourceNotFound;
        var target = ProviderKinds.IsOAuth(provider.ProviderKind) ? null : TargetOf(found.Resource, path, method);
        if (target is null && !ProviderKinds.IsOAuth(provider.ProviderKind)) return ControlPlaneErrors.CanaryTargetRequired;
        if (!await limits.AdmitAsync($"rl:providertest:{call.ZoneId}", TestProvider.PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ProviderTestRateLimited with { RetryAfterSeconds = 60 };
        }

        if (await slots.OpenStagedAsync(call.ZoneId, call.Id) is not { } secrets) return ControlPlaneErrors.SecretBackendUnavailable;
        var config = CredentialFields.Replace(provider.ConfigJson.Value, change.Fields.Value);
        var result = await trial.RunAsync(provider, config, secrets, target, call.Cancelled);
        var tried = change with
        {
            CanaryResourceId = target is null ? null : found.Resource?.Id,
            CanaryPath = target?.Path,
            CanaryMethod = target?.Method,
        };
        return await steps.TakeAsync(call, version, "canary", (_, _, now) => Task.FromResult(Judged(tried, now, result, call.Now)));
    }

    // What was tried is what was staged then; anything else staged meanwhile is not proven by it.
    private static StepResult Judged(CredentialChange tried, CredentialChange? now, CheckResult result, DateTimeOffset at) =>
        now is null || now.Id != tried.Id || !CredentialChangeRules.IsWaiting(now.State)
            ? ControlPlaneErrors.CredentialChanged
            : now with
            {
                State = result.IsOk ? CredentialChangeRules.Proven : CredentialChangeRules.Staged,
                CanaryStatus = result.Status,
                CanaryDetail = result.Detail,
                CanaryAt = result.CheckedAt,
                CanaryResourceId = tried.CanaryResourceId,
                CanaryPath = tried.CanaryPath,
                CanaryMethod = tried.CanaryMethod,
                UpdatedAt = at,
            };

    private static async Task<(ProviderRow? Provider, CredentialChange? Change, ResourceRow? Resource)> ReadAsync(
        System.Data.Common.DbConnection connection, ApiCall call, string? resourceId)
    {
        var provider = await ProviderStore.FindAsync(connection, call.ZoneId, call.Id);
        var change = await CredentialChangeStore.FindLatestAsync(connection, call.ZoneId, call.Id);
        var resource = resourceId is null
            ? await ResourceStore.FindOfProviderAsync(connection, call.ZoneId, call.Id)
            : await ResourceStore.FindAsync(connection, call.ZoneId, resourceId);
        return (provider, change, resource?.CredentialProviderId == call.Id ? resource : null);
    }

    private static CanaryTarget? TargetOf(ResourceRow? resource, string? path, string method) =>
        resource?.UpstreamUrl is { } upstream && (path ?? FirstPath(resource.Operations, method)) is { } chosen ? new CanaryTarget(upstream, chosen, method) : null;

    // An operation without a placeholder can be called as it stands.
    private static string? FirstPath(JsonText operations, string method)
    {
        using var document = JsonDocument.Parse(operations.Value);
        foreach (var operation in document.RootElement.EnumerateArray())
        {
            var path = operation.GetProperty("path").GetString()!;
            if (operation.GetProperty("method").GetString() == method && IsPath(path) && path.IndexOfAny(['{', '*', ':']) < 0) return path;
        }

        return null;
    }

    // An encoded dot, slash or backslash could be taken for a plain one on the way, and lead out of the upstream's path.
    private static bool IsPath(string path) =>
        path[0] == '/' && path.IndexOfAny(['?', '#', '\\']) < 0 && !path.Any(char.IsControl) && !path.Split('/').Any(part => part is "." or "..")
        && !Encoded.Any(found => path.Contains(found, StringComparison.OrdinalIgnoreCase));
}
