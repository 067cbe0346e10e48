using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.AdminTokens;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Zones;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Bootstrap;

/// <summary><c>POST /v1/bootstrap</c>: once per database, from a token that opens nothing else (api.md 2.5).</summary>
internal sealed class BootstrapZone(Changes changes, ControlPlaneSettings settings, ZoneCreation creation, RateLimits limits)
{
    private const string Origin = "bootstrap";
    private readonly ClientAddress _addresses = new(settings);

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        if (settings.BootstrapToken is null && settings.AdminToken is null) return ControlPlaneErrors.BootstrapDisabled;
        if (!MayBootstrap(AdminAuthentication.BearerOf(call.Context)))
        {
            return await limits.CountFailureAsync(_addresses.Of(call.Context), call.Cancelled) ?? ControlPlaneErrors.InvalidAdminToken;
        }

        var fields = call.Strict(ControlPlaneErrors.InvalidBootstrapRequest);
        var zone = fields.Object("zone") is { } zoneBody ? new Fields(zoneBody, ControlPlaneErrors.InvalidBootstrapRequest, strict: true) : null;
        var zoneId = fields.OptionalText("zone_id", 1, 128);
        if ((zone is null) == (zoneId is null)) fields.Note("zone", "or zone_id is required, and only one of them");
        var name = zone is null ? null : ZoneCreation.Name(zone) ?? zone.Text("name", 1, 120);
        var slug = zone is null ? null : ZoneCreation.Slug(zone);
        if (zone is not null) fields.Include("zone", zone);
        var token = new Fields(fields.Object("token"), ControlPlaneErrors.InvalidBootstrapRequest, strict: true);
        var tokenName = token.OptionalText("name", 1, 120) ?? "operational";
        var capability = token.OneOf("capability", "read", "write", "approve") ?? "write";
        fields.Include("token", token);
        if (fields.Problem() is { } problem) return problem;
        if (ReservedNames.IsReservedName(name) || ReservedNames.IsReservedSlug(slug)) return ControlPlaneErrors.ReservedNamespace;

        return await changes.ApplyAsync(
            call,
            async work =>
            {
                await work.LockAsync("bootstrap");
                if (await AdminTokenStore.BootstrappedAsync(work.Connection)) return ControlPlaneErrors.AlreadyBootstrapped;
                var row = zoneId is null ? await CreateAsync(work, call, name!, slug) : await ZoneStore.FindAsync(work.Connection, zoneId);
                if (row is null) return zoneId is null ? ControlPlaneErrors.ZoneSlugConflict : ControlPlaneErrors.ZoneNotFound;
                var minted = MintedAdminToken.New(tokenName, capability, row.Id, Origin, call.Now);
                await AdminTokenStore.InsertAsync(work, minted.Row);
                return Answer.Created(row.Id, Body(row, minted)).InZone(row.Id);
            },
            ControlPlaneErrors.ZoneSlugConflict);
    }

    // The bootstrap token wins: when it is set, the deployment token does not open this route.
    private bool MayBootstrap(string? presented) =>
        presented is not null
        && (settings.BootstrapToken is { } token ? token.Matches(presented) : settings.AdminToken!.Verify(presented, out _));

    private Task<ZoneRow?> CreateAsync(Work work, ApiCall call, string name, string? slug) => creation.InsertAsync(
        work,
        new ZoneRow
        {
            Id = Ids.New(),
            Name = name,
            OperatorCoauthorBadge = true,
            CreatedBy = Origin,
            CreatedAt = call.Now,
            UpdatedAt = call.Now,
        },
        slug);

    private static Action<System.Text.Json.Utf8JsonWriter> Body(ZoneRow zone, MintedAdminToken minted) => JsonRows.Object(writer =>
    {
        writer.WriteString("zone_id", zone.Id);
        writer.WriteString("token_id", minted.Row.Id);
        writer.WriteString("token", minted.Token);
        writer.WriteStartObject("zone");
        ZoneJson.Write(writer, zone);
        writer.WriteEndObject();
        writer.WriteStartObject("admin_token");
        AdminTokenJson.WriteNew(writer, minted.Row);
        writer.WriteEndObject();
    });
}
