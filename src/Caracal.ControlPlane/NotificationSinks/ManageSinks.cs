using System.Text;
using Caracal.Authority.Approvals;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.Lists;
using Caracal.Storage.NotificationSinks;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>Everything on <c>…/notification-sinks</c>: who is told of approvals, and with which secret (api.md 11.7).</summary>
internal sealed class ManageSinks(Changes changes, KekRing keks, SinkPlaces places)
{
    private const int MostPerZone = 20;

    public async Task<Answer> ListAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var rows = await changes.Database.ReadAsync(connection => SinkStore.ListAsync(connection, call.ZoneId, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), SinkJson.Write);
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        var row = await changes.Database.ReadAsync(connection => SinkStore.FindAsync(connection, call.ZoneId, call.Id), call.Cancelled);
        return row is null ? ControlPlaneErrors.SinkNotFound : Answer.Ok(SinkJson.Of(row));
    }

    public async Task<Answer> DeliveriesAsync(ApiCall call)
    {
        var page = call.Page();
        if (page.Problem is not null) return page.Problem;
        var (sink, rows) = await changes.Database.ReadSnapshotAsync(
            async connection => (
                await SinkStore.FindAsync(connection, call.ZoneId, call.Id),
                await DeliveryStore.ListAsync(connection, call.ZoneId, call.Id, page.Query)),
            call.Cancelled);
        return sink is null
            ? ControlPlaneErrors.SinkNotFound
            : Paging.List(rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), SinkJson.WriteDelivery);
    }

    public async Task<Answer> CreateAsync(ApiCall call)
    {
        var fields = new SinkFields(call, creating: true);
        if (fields.Problem(places) is { } problem) return problem;
        var secret = SecretMint.SinkSecret();
        return await changes.ApplyAsync(call, async work =>
        {
            await work.LockAsync($"notification-sinks:{call.ZoneId}");
            if (!await ZoneStore.ExistsAsync(work.Connection, call.ZoneId)) return ControlPlaneErrors.ZoneNotFound;
            if (await SinkStore.CountAsync(work, call.ZoneId) >= MostPerZone) return ControlPlaneErrors.SinkLimitReached;
            var row = new SinkRow
            {
                Id = Ids.New(),
                ZoneId = call.ZoneId,
                Name = fields.Name!,
                Url = fields.Url!,
                EventTypes = fields.EventTypes ?? [.. NotificationRules.EventTypes],
                Active = true,
                SecretCt = Seal(secret),
                CreatedAt = call.Now,
                UpdatedAt = call.Now,
            };
            await SinkStore.InsertAsync(work, row);
            return Answer.Created(row.Id, SinkJson.Of(row, secret));
        });
    }

    public async Task<Answer> UpdateAsync(ApiCall call)
    {
        var fields = new SinkFields(call, creating: false);
        if (fields.Problem(places) is { } problem) return problem;
        if (fields.IsEmpty) return ControlPlaneErrors.NoFields;
        return await changes.ApplyAsync(call, async work =>
        {
            if (await SinkStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.SinkNotFound;
            var changed = row with
            {
                Name = fields.Name ?? row.Name,
                Url = fields.Url ?? row.Url,
                EventTypes = fields.EventTypes ?? row.EventTypes,
                Active = fields.Active ?? row.Active,

                // Another place has not failed yet.
                ConsecutiveFailures = fields.Url is null ? row.ConsecutiveFailures : 0,
                LastError = fields.Url is null ? row.LastError : null,
                UpdatedAt = call.Now,
            };
            await SinkStore.UpdateAsync(work, changed, skip: changed.Active && !row.Active);
            return Answer.Ok(SinkJson.Of(changed));
        });
    }

    public Task<Answer> RotateSecretAsync(ApiCall call)
    {
        var secret = SecretMint.SinkSecret();
        return changes.ApplyAsync(call, async work =>
        {
            if (await SinkStore.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } row) return ControlPlaneErrors.SinkNotFound;
            var changed = row with { SecretCt = Seal(secret), UpdatedAt = call.Now };
            await SinkStore.UpdateAsync(work, changed, skip: false);
            return Answer.Ok(SinkJson.Of(changed, secret));
        });
    }

    public Task<Answer> DeleteAsync(ApiCall call) => changes.ApplyAsync(
        call,
        async work => await SinkStore.DeleteAsync(work, call.ZoneId, call.Id) ? Answer.NoContent : ControlPlaneErrors.SinkNotFound);

    private byte[] Seal(string secret) => Css1Envelope.Seal(keks, SealedLocations.NotificationSinkSecret, Encoding.UTF8.GetBytes(secret));
}
