using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Jwks;

/// <summary><c>GET /.well-known/jwks.json?zone_id=Z</c> (sts.md 6.2).</summary>
internal sealed class JwksEndpoint(ZoneStates zones, ZoneKeyring keyring)
{
    public async Task HandleAsync(HttpContext context)
    {
        var zoneId = context.Request.Query["zone_id"].ToString().Trim();
        if (zoneId.Length == 0)
        {
            await ErrorBody.WriteAsync(context, StsErrors.JwksZoneMissing);
            return;
        }

        ZoneKeySet? keys;
        try
        {
            keys = await FindAsync(zoneId, context.RequestAborted);
        }
        catch (StorageUnavailableException)
        {
            keys = zones.Peek(zoneId, out var age) is { } state && age < ZoneStates.KeyLife ? state.Keys : null;
            if (keys is null)
            {
                await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
                return;
            }
        }

        if (keys is null)
        {
            await ErrorBody.WriteAsync(context, StsErrors.ZoneUnknown);
        }
        else if (keys.Published.Keys.Count == 0)
        {
            await ErrorBody.WriteAsync(context, StsErrors.NoUsableKey);
        }
        else
        {
            await WriteAsync(context, keys);
        }
    }

    // A zone's first verifier may come before its first mint, so the key is made here, too (B4).
    private async Task<ZoneKeySet?> FindAsync(string zoneId, CancellationToken cancellationToken)
    {
        var state = await zones.GetFreshAsync(zoneId, cancellationToken);
        if (state is null || state.IsArchived || !state.Keys.All.IsEmpty || state.Keys.Unreadable > 0)
        {
            return state is { IsArchived: true, Keys.All.IsEmpty: true } ? null : state?.Keys;
        }

        await keyring.EnsureAsync(zoneId, cancellationToken);
        return (await zones.GetFreshAsync(zoneId, cancellationToken))?.Keys;
    }

    private static async Task WriteAsync(HttpContext context, ZoneKeySet keys)
    {
        var response = context.Response;
        response.Headers.CacheControl = "public, max-age=300, must-revalidate";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ETag = keys.ETag;
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(keys.ETag, StringComparison.Ordinal))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json";
        response.ContentLength = keys.Json.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(keys.Json, context.RequestAborted);
        }
    }
}
