using System.Buffers.Text;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Jwks;

/// <summary><c>POST /internal/keys/sample/{zoneId}</c>: signs a sample with the key that signs the zone's mandates now, for the check that it still verifies after a rotation (operations.md 4.7, V6).</summary>
internal sealed class SignSample(ZoneStates zones, DatabaseClock clock, MetricsAccess access)
{
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!access.Allows(context.Request) || context.Request.RouteValues["zoneId"] is not string zoneId)
        {
            await ErrorBody.WriteAsync(context, StsErrors.NotFound);
            return;
        }

        try
        {
            var now = clock.Now;
            if ((await zones.GetFreshAsync(zoneId, context.RequestAborted))?.Keys.SignerAt(now) is not { } key)
            {
                await ErrorBody.WriteAsync(context, StsErrors.NotFound);
                return;
            }

            var sample = Sign(zoneId, key, now.ToUnixTimeSeconds());
            await ErrorBody.WriteJsonAsync(context.Response, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("sample"u8, sample.ToString());
                writer.WriteEndObject();
            });
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    private static KeySample Sign(string zoneId, OpenedKey key, long at)
    {
        Span<byte> signature = stackalloc byte[Keys.Signatures.SigningKey.SignatureSize];
        key.Private.Sign(KeySample.Message(zoneId, key.KeyId, at), signature);
        return new KeySample(zoneId, key.KeyId, at, Base64Url.EncodeToString(signature));
    }
}
