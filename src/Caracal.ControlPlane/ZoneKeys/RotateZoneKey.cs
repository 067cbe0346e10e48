using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.KillSwitch;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.KillSwitch;
using Caracal.Storage.ZoneKeys;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.ZoneKeys;

/// <summary><c>POST /v1/zones/{zoneId}/keys/rotate</c> (api.md 4.2, README rulings 2 and 19).</summary>
internal sealed class RotateZoneKey(Changes changes, ZoneKeyMint mint, EndAuthority endAuthority)
{
    private const long DefaultPrepublishSeconds = 960;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidRotationRequest);
        var immediate = fields.OneOf("activation", "prepublish", "immediate") == "immediate";
        var prepublish = TimeSpan.FromSeconds(fields.Integer("prepublish_seconds", 0, 86_400) ?? DefaultPrepublishSeconds);
        fields.OptionalText("reason", 0, 500);
        var request = new RotationRequest(immediate, prepublish, fields.Flag("force") ?? false, fields.Flag("compromised") ?? false);
        if (fields.Problem() is { } problem) return problem;

        var key = mint.Mint();
        return await (request.Compromised ? changes.ApplyAsync(call, RotateAsync) : changes.ConfigureAsync(call, RotateAsync));

        async Task<Answer> RotateAsync(Work work)
        {
            if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
            await ZoneKeyStore.LockAsync(work, call.ZoneId);
            var plan = ZoneKeyRotation.Plan(await ZoneKeyStore.ListAsync(work.Connection, call.ZoneId), request, call.Now);
            if (plan.InProgress) return ControlPlaneErrors.RotationInProgress;
            var activatesAt = plan.SignsAtOnce ? call.Now : call.Now + request.Prepublish;
            await CarryOutAsync(work, call, plan, key, activatesAt);
            return Answer.Ok(Http.JsonRows.Object(writer =>
            {
                writer.WriteBoolean("rotated", true);
                writer.WriteString("zone_id", call.ZoneId);
                writer.WriteString("kid", key.KeyId);
                writer.WriteString("state", plan.SignsAtOnce ? "active" : "next");
                writer.Time("activates_at", activatesAt);
                writer.WriteString("previous_kid", plan.PreviousKeyId);
                writer.Time("previous_expires_at", plan.PreviousKeyId is null ? null : activatesAt + ZoneKeyRotation.Overlap);
                writer.WriteString("evicted_kid", plan.EvictedKeyId);
                if (plan.LiveMandatesMayFail) writer.WriteString("warning", "live_mandates_may_fail");
            }));
        }
    }

    // One key signs at any moment, so whoever steps back or leaves does so before another takes its place.
    private async Task CarryOutAsync(Work work, ApiCall call, RotationPlan plan, SealedZoneKey key, DateTimeOffset activatesAt)
    {
        if (plan.Activate is { } due) await ActivateAsync(work, call, due);
        foreach (var (leaving, state) in plan.Leave)
        {
            await ZoneKeyStore.MoveAsync(work, leaving.Id, state, call.Now);
            await AnnounceAsync(work, call, state == "compromised" ? "compromise" : "retire", leaving.Id);
        }

        if (plan.StepsBack is { } back) await ZoneKeyStore.MoveAsync(work, back.Id, "previous", call.Now);
        await ZoneKeyStore.InsertAsync(
            work, call.ZoneId, key.KeyId, key.Envelope, plan.SignsAtOnce ? "active" : "next", activatesAt, call.Now);
        await AnnounceAsync(work, call, "rotate", key.KeyId);
        if (plan.CompromisedSince is { } since)
        {
            var records = await KillSwitchStore.RecordsSinceAsync(work, call.ZoneId, since);
            await endAuthority.EndAsync(work, call.RequestId, call.ZoneId, records, [], "zone_key_compromised", call.Now);
        }
    }

    private async Task ActivateAsync(Work work, ApiCall call, ZoneKeyRow due)
    {
        foreach (var key in await ZoneKeyStore.ListAsync(work.Connection, call.ZoneId))
        {
            if (key.State == "active") await ZoneKeyStore.MoveAsync(work, key.Id, "previous", call.Now);
        }

        await ZoneKeyStore.MoveAsync(work, due.Id, "active", call.Now);
        await AnnounceAsync(work, call, "activate", due.Id);
    }

    private Task AnnounceAsync(Work work, ApiCall call, string change, string keyId) =>
        changes.AnnounceAsync(work, call.RequestId, Topics.KeysInvalidate, ("event", change), ("zone_id", call.ZoneId), ("kid", keyId));
}
