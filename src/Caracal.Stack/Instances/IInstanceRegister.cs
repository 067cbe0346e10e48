using Caracal.Keys.Rings;
using Caracal.Storage.Instances;

namespace Caracal.Stack.Instances;

/// <summary>Where an instance is told of: the store, or the API for a role that has none.</summary>
internal interface IInstanceRegister
{
    /// <summary>What the registry says of each current key, null for one that it does not know; null when nobody can be asked.</summary>
    Task<IReadOnlyDictionary<string, string?>?> StatesAsync(Heartbeat report, IReadOnlyList<HeldRing> held, CancellationToken cancellationToken);

    /// <summary>False when it was not taken.</summary>
    Task<bool> BeatAsync(Heartbeat report, CancellationToken cancellationToken);

    /// <summary>The instance ends; nobody needs to wait for it.</summary>
    Task EndAsync(Heartbeat report);
}
