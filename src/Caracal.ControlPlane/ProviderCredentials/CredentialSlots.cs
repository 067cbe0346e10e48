using Caracal.Authority.ProviderCredentials;
using Caracal.ControlPlane.Custody;
using Caracal.ControlPlane.Providers;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Custody;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>
/// The three places of a provider's sealed documents: staged, in use, previous. The STS opens the one in use and no other; a
/// document moves by being opened and sealed for its new place, in the transaction of the step.
/// </summary>
internal sealed class CredentialSlots(SecretCustody custody)
{
    public Task StageAsync(Work work, string zoneId, string providerId, IReadOnlyDictionary<string, string> secrets, DateTimeOffset now) =>
        custody.StoreAsync(work, zoneId, SealedLocations.StagedProviderSecret(zoneId, providerId), ProviderSecrets.ToJson(secrets), now);

    /// <summary>The staged secrets; null when they cannot be opened.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> OpenStagedAsync(string zoneId, string providerId)
    {
        var (_, text) = await custody.OpenAsync(zoneId, SealedLocations.StagedProviderSecret(zoneId, providerId));
        return text is null ? null : ProviderSecrets.Read(text);
    }

    /// <summary>The secrets in use, none at all when nothing is sealed; null when they cannot be opened.</summary>
    public Task<IReadOnlyDictionary<string, string>?> OpenInUseAsync(string zoneId, string providerId) =>
        new ProviderSecrets(custody).OpenAsync(zoneId, providerId);

    /// <summary>Puts the staged credential in use and keeps the one before; null when either cannot be opened.</summary>
    public async Task<CredentialChange?> ShiftAsync(
        Work work, ProviderRow provider, CredentialChange change, DateTimeOffset observeUntil, string actor, DateTimeOffset now)
    {
        var (zone, id) = (provider.ZoneId, provider.Id);
        var inUse = SealedLocations.ProviderSecret(zone, id);
        if (!await MoveAsync(work, zone, inUse, SealedLocations.PreviousProviderSecret(zone, id), now)
            || await TakeAsync(work, zone, SealedLocations.StagedProviderSecret(zone, id)) is not { } staged)
        {
            return null;
        }

        await custody.StoreAsync(work, zone, inUse, staged, now);
        var version = await ReplaceAsync(work, provider, change.Fields.Value, staged, observeUntil, actor, now);
        return change with { CredentialVersion = version, PreviousFields = new JsonText(CredentialFields.Of(provider.ConfigJson.Value)) };
    }

    /// <summary>Puts the credential before back in use; the one that was is gone. False when it cannot be opened.</summary>
    public async Task<bool> FallBackAsync(Work work, ProviderRow provider, CredentialChange change, string actor, DateTimeOffset now)
    {
        var (zone, id) = (provider.ZoneId, provider.Id);
        if (await TakeAsync(work, zone, SealedLocations.PreviousProviderSecret(zone, id)) is not { } previous) return false;
        await custody.StoreAsync(work, zone, SealedLocations.ProviderSecret(zone, id), previous, now);
        await ReplaceAsync(work, provider, change.PreviousFields!.Value.Value, previous, null, actor, now);
        return true;
    }

    /// <summary>The credential before is gone for good.</summary>
    public async Task RetireAsync(Work work, string zoneId, string providerId)
    {
        await CustodyStore.DeleteAsync(work, zoneId, SealedLocations.PreviousProviderSecret(zoneId, providerId));
        await CredentialChangeStore.EndObservationAsync(work, zoneId, providerId);
    }

    public static async Task ClearAsync(Work work, string zoneId, string providerId)
    {
        await CustodyStore.DeleteAsync(work, zoneId, SealedLocations.StagedProviderSecret(zoneId, providerId));
        await CustodyStore.DeleteAsync(work, zoneId, SealedLocations.PreviousProviderSecret(zoneId, providerId));
    }

    private static Task<long> ReplaceAsync(
        Work work, ProviderRow provider, string fields, string secrets, DateTimeOffset? observeUntil, string actor, DateTimeOffset now) =>
        CredentialChangeStore.ReplaceAsync(
            work,
            provider,
            new JsonText(CredentialFields.Replace(provider.ConfigJson.Value, fields)),
            [.. ProviderSecrets.Read(secrets).Keys.Order(StringComparer.Ordinal)],
            observeUntil,
            actor,
            now);

    // A provider without a secret has no document, which is as good as an empty one; only one that does not open is a fault.
    private async Task<bool> MoveAsync(Work work, string zoneId, string from, string to, DateTimeOffset now)
    {
        var envelope = await CustodyStore.FindAsync(work.Connection, zoneId, from);
        if ((envelope is null ? ProviderSecrets.ToJson([]) : custody.Open(from, envelope)) is not { } text) return false;
        await custody.StoreAsync(work, zoneId, to, text, now);
        return true;
    }

    private async Task<string?> TakeAsync(Work work, string zoneId, string reference)
    {
        if (await CustodyStore.FindAsync(work.Connection, zoneId, reference) is not { } envelope || custody.Open(reference, envelope) is not { } text) return null;
        await CustodyStore.DeleteAsync(work, zoneId, reference);
        return text;
    }
}
