using Caracal.Egress;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Operations;

/// <summary>
/// What this Gateway would do, asked by <c>caracal doctor</c> and <c>caracal harden</c> with the metrics bearer; to others
/// neither route is there, so that they are governed calls like any other (operations.md 5.1 D-KEY-1, 5.2 H-ENF-2).
/// </summary>
internal sealed class SelfTests(IZoneKeys keys, EgressGuard guard, MetricsAccess access)
{
    private const string Zones = "/internal/zones/";
    private const string Egress = "/internal/egress/";

    /// <summary>The test that a path names; null when it names none, or when the caller may not ask.</summary>
    public Func<HttpContext, Task>? Find(HttpRequest request, string path)
    {
        if (!HttpMethods.IsGet(request.Method) || !path.StartsWith("/internal/", StringComparison.Ordinal) || !access.Allows(request)) return null;
        if (path.StartsWith(Zones, StringComparison.Ordinal) && path[Zones.Length..].Split('/') is [var zone, "keys", var key] && Ids.IsPathId(zone) && Ids.IsPathId(key))
        {
            return http => KeyAsync(http, zone, key);
        }

        return path.StartsWith(Egress, StringComparison.Ordinal) && path[Egress.Length..] is { Length: > 0 and < 254 } host && !host.Contains('/', StringComparison.Ordinal)
            ? http => EgressAsync(http, Uri.UnescapeDataString(host).ToLowerInvariant())
            : null;
    }

    // Found the way a mandate's signature is verified: from the cache, or by the one fetch that A5 allows.
    private async Task KeyAsync(HttpContext http, string zone, string key)
    {
        var found = await keys.FindAsync(zone, key, http.RequestAborted) is not null;
        await ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("zone_id"u8, zone);
            writer.WriteString("kid"u8, key);
            writer.WriteBoolean("found"u8, found);
            if (keys.AgeOf(zone) is { } age) writer.WriteNumber("age_seconds"u8, (long)age.TotalSeconds);
            else writer.WriteNull("age_seconds"u8);
            writer.WriteEndObject();
        });
    }

    // Vetted as before a forwarded call; nothing is dialled.
    private async Task EgressAsync(HttpContext http, string host)
    {
        var allowed = (await guard.VetAsync(host, http.RequestAborted)).Length > 0;
        await ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("host"u8, host);
            writer.WriteBoolean("allowed"u8, allowed);
            writer.WriteEndObject();
        });
    }
}
