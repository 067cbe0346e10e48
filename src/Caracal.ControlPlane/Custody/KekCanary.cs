using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Custody;

/// <summary>One sealed row that proves at start that the key-encryption key is the one this store was sealed with (operations.md 4.4).</summary>
internal static class KekCanary
{
    private const string SystemZone = "caracal.sys";

    /// <exception cref="InvalidOperationException">The row was sealed with a key that is not loaded.</exception>
    public static async Task CheckAsync(Database database, KekRing keks, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var envelope = await database.WriteAsync(
            async work =>
            {
                await CustodyStore.AddAsync(
                    work, SystemZone, SealedLocations.KekCanary, Css1Envelope.Seal(keks, SealedLocations.KekCanary, "canary"u8), now);
                return await CustodyStore.FindAsync(work.Connection, SystemZone, SealedLocations.KekCanary);
            },
            cancellationToken);
        if (Css1Envelope.Open(keks, SealedLocations.KekCanary, envelope ?? [], out var plaintext) != Css1Outcome.Opened)
        {
            throw new InvalidOperationException("ZONE_KEK does not open what this store was sealed with");
        }

        plaintext!.Dispose();
    }
}
