using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Jwks;

/// <summary><c>POST /internal/zones/{zoneID}/signing-key/rotate</c>: activates at once, never 409 (sts.md 6.2).</summary>
internal sealed class RotateSigningKey(StsSettings settings, ZoneKeyring keyring, ISharedState state, DatabaseClock clock)
{
    private const int LargestBody = 65_536;
    private const string Scheme = "Bearer ";

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        var body = await BodyReader.ReadAsync(context, LargestBody);
        if (body is null)
        {
            await ErrorBody.WriteAsync(context, StsErrors.BodyTooLarge);
            return;
        }

        try
        {
            if (await RefusesAsync(context, body))
            {
                return;
            }
        }
        catch (StreamsUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
            return;
        }

        if (!TryReadRetire(body, out var retirePrevious))
        {
            await ErrorBody.WriteAsync(context, StsErrors.BadJson);
            return;
        }

        var zoneId = ((string?)context.Request.RouteValues["zoneId"] ?? "").Trim();
        try
        {
            var keyId = await keyring.RotateAsync(zoneId, retirePrevious, context.RequestAborted);
            await (keyId is null ? ErrorBody.WriteAsync(context, StsErrors.ZoneUnknown) : WriteAsync(context, zoneId, keyId));
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    // Answers for itself when it refuses.
    private async Task<bool> RefusesAsync(HttpContext context, byte[] body)
    {
        if (SignedCallReader.Read(context, body) is { } proof)
        {
            if (await SignedCall.VerifyAsync(proof, settings.GatewayKeys, state, clock, context.RequestAborted))
            {
                return false;
            }

            await ErrorBody.WriteAsync(context, StsErrors.BadSignedCall);
            return true;
        }

        if (settings.AdminToken is not { } token)
        {
            await ErrorBody.WriteAsync(context, StsErrors.NotFound);
            return true;
        }

        var header = context.Request.Headers.Authorization;
        if (header.Count == 1 && header[0] is { } text && text.StartsWith(Scheme, StringComparison.Ordinal)
            && token.Verify(text.AsSpan(Scheme.Length), context.Connection.RemoteIpAddress))
        {
            return false;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"caracal-sts\"";
        await ErrorBody.WriteAsync(context, StsErrors.BadBearer);
        return true;
    }

    // B20: {"retire_previous":true} for a compromised key.
    private static bool TryReadRetire(byte[] body, out bool retire)
    {
        retire = false;
        if (body.Length == 0)
        {
            return true;
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            if (!document.RootElement.TryGetProperty("retire_previous"u8, out var value))
            {
                return true;
            }

            retire = value.ValueKind == JsonValueKind.True;
            return retire || value.ValueKind == JsonValueKind.False;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static Task WriteAsync(HttpContext context, string zoneId, string keyId) =>
        ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("rotated"u8, true);
            writer.WriteString("zone_id"u8, zoneId);
            writer.WriteString("kid"u8, keyId);
            writer.WriteEndObject();
        });
}
