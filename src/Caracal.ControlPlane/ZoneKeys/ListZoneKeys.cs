using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.ZoneKeys;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.ZoneKeys;

/// <summary><c>GET /v1/zones/{zoneId}/keys</c>: newest first (operations.md 4.9).</summary>
internal sealed class ListZoneKeys(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var (exists, keys) = await database.ReadSnapshotAsync(
            async connection => (
                await ZoneStore.ExistsAsync(connection, call.ZoneId),
                await ZoneKeyStore.ListAsync(connection, call.ZoneId)),
            call.Cancelled);
        if (!exists) return ControlPlaneErrors.ZoneNotFound;
        var signingSince = keys.FirstOrDefault(key => key.State == "active")?.ActivatesAt;
        return Answer.Ok(writer =>
        {
            writer.WriteStartArray();
            foreach (var key in keys)
            {
                writer.WriteStartObject();
                writer.WriteString("kid", key.Id);
                writer.WriteString("state", key.State);
                writer.Time("created_at", key.CreatedAt);
                writer.Time("activates_at", key.ActivatesAt);
                writer.Time("retires_at", key.State == "previous" ? signingSince + ZoneKeyRotation.Overlap : key.RetiredAt);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }
}
