using Caracal.Keys.Rings;
using Caracal.Stack.Stores;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.KeyRegistry;

namespace Caracal.Stack.Instances;

/// <summary>A service tells of itself in its store.</summary>
internal sealed class StoreRegister(RoleStores stores) : IInstanceRegister
{
    public async Task<IReadOnlyDictionary<string, string?>?> StatesAsync(Heartbeat report, IReadOnlyList<HeldRing> held, CancellationToken cancellationToken)
    {
        var states = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var ring in held)
        {
            states[ring.ClassId] = await stores.Database.WriteAsync(
                WriteKind.Bookkeeping,
                work => KeyRegistryGuard.StateAsync(work, ring.ClassId, ring.Slots.Current, ring.Slots.KeyId, stores.Clock.Now),
                cancellationToken);
        }

        return states;
    }

    public Task<bool> BeatAsync(Heartbeat report, CancellationToken cancellationToken) =>
        SayAsync(work => HeartbeatStore.BeatAsync(work, report, stores.Clock.Now), cancellationToken);

    public Task EndAsync(Heartbeat report) =>
        SayAsync(work => HeartbeatStore.EndAsync(work, report.Service, report.Instance, stores.Clock.Now), CancellationToken.None);

    private async Task<bool> SayAsync(Func<Work, Task> say, CancellationToken cancellationToken)
    {
        try
        {
            return await stores.Database.WriteAsync(
                WriteKind.Bookkeeping,
                async work =>
                {
                    await say(work);
                    return true;
                },
                cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            // The row grows old by itself.
            return false;
        }
    }
}
