using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;

namespace Caracal.Storage.Custody;

/// <summary>One sealed row that tells whether the key-encryption key in hand is the one this store was sealed with (operations.md 4.4).</summary>
public static class KekCanary
{
    /// <summary>Where it fails, by the name every service uses.</summary>
    public const string Fault = "ZONE_KEK does not open what this store was sealed with";

    private const string SystemZone = "caracal.sys";

    /// <summary>Seals it with the ring's current key unless it is there.</summary>
    public static Task PlantAsync(Database database, KekRing keks, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        work => CustodyStore.AddAsync(work, SystemZone, SealedLocations.KekCanary, Css1Envelope.Seal(keks, SealedLocations.KekCanary, "canary"u8), now),
        cancellationToken);

    /// <summary>Whether any key of the ring opens it; a store that nobody has sealed yet cannot contradict.</summary>
    public static async Task<bool> OpensAsync(Database database, KekRing keks, CancellationToken cancellationToken)
    {
        var envelope = await database.ReadAsync(connection => CustodyStore.FindAsync(connection, SystemZone, SealedLocations.KekCanary), cancellationToken);
        if (envelope is null) return true;
        var outcome = Css1Envelope.Open(keks, SealedLocations.KekCanary, envelope, out var plaintext);
        plaintext?.Dispose();
        return outcome == Css1Outcome.Opened;
    }
}
