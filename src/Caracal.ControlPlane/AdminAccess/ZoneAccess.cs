using System.Collections.Concurrent;
using Caracal.Authority.AdminAccess;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>The checks of api.md 2.1 that need to know the zone or the account, in the order of its table.</summary>
internal sealed class ZoneAccess(Database database, DatabaseClock clock, ControlPlaneSettings settings)
{
    private static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Known> _zones = new(StringComparer.Ordinal);

    /// <summary>The refusal, or the caller, bound to its account when it is a console token.</summary>
    public async Task<(Refusal? Refusal, AdminCaller Caller)> CheckAsync(
        AdminCaller caller, HttpContext context, string path, string? zoneId, AdminNeed need)
    {
        if (AdminAccessRules.CapabilityRefusal(caller, need) is { } capability) return (new Refusal(403, capability), caller);
        if (caller.IsDerived && need == AdminNeed.Change && path.StartsWith("/v1/operations/", StringComparison.Ordinal))
        {
            return (ControlPlaneErrors.RotationForbiddenForDerived, caller); // A person rotates keys, not a console that holds one.
        }

        if (AdminAccessRules.ZoneRefusal(caller, path, zoneId) is { } zone) return (new Refusal(403, zone), caller);
        var known = zoneId is null ? null : await FindAsync(zoneId);
        if (known is { Reserved: true } && need != AdminNeed.Look && !caller.IsDeployment)
        {
            return (ControlPlaneErrors.SystemZoneReadOnly, caller);
        }

        return caller.IsDerived ? CheckAccount(caller, context, path, known, zoneId is not null) : (null, caller);
    }

    /// <summary>Forgets a zone that changed.</summary>
    public void Forget(string zoneId) => _zones.TryRemove(zoneId, out _);

    private (Refusal?, AdminCaller) CheckAccount(AdminCaller caller, HttpContext context, string path, Known? zone, bool inZone)
    {
        var account = settings.AdminToken is { } ring
            ? AccountAssertion.Verify(ring, context.Request.Headers["x-caracal-account"], clock.Process.GetUtcNow())
            : null;
        if (account is null) return (ControlPlaneErrors.InvalidAccountAssertion, caller);
        var bound = caller with { AccountId = account };
        if (!inZone)
        {
            return (AdminAccessRules.AccountMayCall(path, context.Request.Method) ? null : ControlPlaneErrors.AccountScopeRequired, bound);
        }

        var mine = zone is not null && (zone.Owner == account || (zone.Reserved && context.Request.Method is "GET" or "HEAD"));
        return (mine ? null : ControlPlaneErrors.ZoneForbidden, bound);
    }

    private async Task<Known?> FindAsync(string zoneId)
    {
        if (_zones.TryGetValue(zoneId, out var known) && known.Until > clock.Process.GetUtcNow()) return known;
        if (await database.ReadAsync(connection => ZoneStore.FindAsync(connection, zoneId)) is not { } zone) return null;
        known = new Known(ReservedNames.IsReservedZone(zone.Name, zone.Slug), zone.OwnerAccountId, clock.Process.GetUtcNow() + CacheTime);
        _zones[zoneId] = known;
        return known;
    }

    private sealed record Known(bool Reserved, string? Owner, DateTimeOffset Until);
}
