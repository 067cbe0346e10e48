using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.ZoneKeys;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.ZoneKeys;

/// <summary><c>POST /v1/zones/{zoneId}/keys/{kid}/retire</c>: takes a key that does not sign out of JWKS (operations.md 4.9).</summary>
internal sealed class RetireZoneKey(Changes changes)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidRotationRequest);
        var compromised = fields.Flag("compromised") ?? false;
        fields.OptionalText("reason", 0, 500);
        if (fields.Problem() is { } problem) return problem;

        return await changes.ApplyAsync(call, async work =>
        {
            if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
            await ZoneKeyStore.LockAsync(work, call.ZoneId);
            var keys = await ZoneKeyStore.ListAsync(work.Connection, call.ZoneId);
            var key = keys.FirstOrDefault(row => row.Id == call.Parameters["kid"]);
            if (key is null || !key.IsPublished) return ControlPlaneErrors.KeyNotFound;
            if (key.State == "active") return ControlPlaneErrors.KeyIsActive;
            var stopped = keys.FirstOrDefault(row => row.State == "active")?.ActivatesAt ?? key.UpdatedAt;
            if (key.State == "previous" && !compromised && call.Now < stopped + ZoneKeyRotation.RetireGate) return ControlPlaneErrors.OverlapNotElapsed;

            var state = compromised ? "compromised" : "retired";
            await ZoneKeyStore.MoveAsync(work, key.Id, state, call.Now);
            await changes.AnnounceAsync(
                work,
                call.RequestId,
                Topics.KeysInvalidate,
                ("event", compromised ? "compromise" : "retire"),
                ("zone_id", call.ZoneId),
                ("kid", key.Id));
            return Answer.Ok(JsonRows.Object(writer =>
            {
                writer.WriteBoolean("retired", true);
                writer.WriteString("zone_id", call.ZoneId);
                writer.WriteString("kid", key.Id);
                writer.WriteString("state", state);
            }));
        });
    }
}
