using System.Text.Json;
using Caracal.Authority.ProviderCredentials;
using Caracal.Authority.Providers;
using Caracal.Authority.Upstreams;
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
internal sealed class ProveCredential(CredentialSteps steps, CredentialSlots slots, ProviderCheck check, CredentialCanary canary, RateLimits limits)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidCredentialChange);
        var version = fields.Integer("version", 1, long.MaxValue);
        var resourceId = fields.OptionalText("resource_id", 1, 128);
        var path = fields.OptionalText("path", 1, 512);
        var method = fields.OneOf("method", "GET", "HEAD") ?? "GET";
        if (path is not null && !IsPath(path)) fields.Note("path", "must begin with / and hold neither a query nor ..");
        if (fields.Problem() is { } problem) return problem;

        var found = await steps.Database.ReadAsync(connection => ReadAsync(connection, call, resourceId), call.Cancelled);
        if (found.Provider is not { } provider) return ControlPlaneErrors.ProviderNotFound;
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
        var result = target is null
            ? await check.RunAsync(provider.ProviderKind, config, secrets, call.Cancelled)
            : await canary.RunAsync(DirectiveOf(provider, config, secrets, target), target, call.Cancelled);
        return await steps.TakeAsync(call, version, "canary", (_, _, now) => Task.FromResult(Judged(change, now, result, call.Now)));
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

    private static Protocol.Exchange.UpstreamDirective? DirectiveOf(
        ProviderRow provider, string config, IReadOnlyDictionary<string, string> secrets, CanaryTarget target)
    {
        using var document = JsonDocument.Parse(config);
        return UpstreamDirectiveRules.Build(target.UpstreamUrl, provider.Id, provider.ProviderKind, document.RootElement, secrets);
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

    private static bool IsPath(string path) =>
        path[0] == '/' && path.IndexOfAny(['?', '#', '\\']) < 0 && !path.Any(char.IsControl) && !path.Split('/').Contains("..");
}
