using Caracal.Authority.Applications;
using Caracal.Authority.Resources;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;

namespace Caracal.ControlPlane.Resources;

/// <summary>The resource that stands for the management API itself (api.md 8, control.md 7).</summary>
internal sealed class ControlResource(ControlPlaneSettings settings)
{
    /// <summary>The trait that makes an application a control key.</summary>
    public const string InvokeTrait = "control:invoke";

    private const string ProviderIdentifier = "provider://none";

    public string Identifier => settings.ControlAudience;

    public bool Is(string? identifier) => identifier == settings.ControlAudience;

    /// <summary>Makes the resource when the zone has none, so that a new control key works at once.</summary>
    public async Task EnsureAsync(Work work, ApiCall call)
    {
        if (await ResourceStore.FindByIdentifierAsync(work.Connection, call.ZoneId, Identifier) is not null) return;
        await ResourceStore.InsertAsync(work, new ResourceRow
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            Name = "Control API",
            Identifier = Identifier,
            CredentialProviderId = await EnsureProviderAsync(work, call),
            Scopes = [.. ControlScopes.All],
            Operations = new JsonText("[]"),
            OperationEnforcement = ResourceRules.Enforced,
            CreatedBy = call.Caller.Actor,
            CreatedAt = call.Now,
            UpdatedAt = call.Now,
        });
    }

    /// <summary>The zone's <c>provider://none</c>, made when missing.</summary>
    public async Task<string> EnsureProviderAsync(Work work, ApiCall call)
    {
        if (await ProviderStore.FindByIdentifierAsync(work.Connection, call.ZoneId, ProviderIdentifier) is { } existing) return existing.Id;
        var provider = new ProviderRow
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            Name = $"provider-none-{call.ZoneId}",
            Identifier = ProviderIdentifier,
            ProviderKind = "none",
            ConfigJson = new JsonText("{}"),
            CreatedBy = call.Caller.Actor,
            CreatedAt = call.Now,
            UpdatedAt = call.Now,
        };
        await ProviderStore.InsertAsync(work, provider);
        return provider.Id;
    }
}
