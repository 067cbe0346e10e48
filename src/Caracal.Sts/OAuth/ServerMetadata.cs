using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.OAuth;

/// <summary>
/// <c>GET /.well-known/oauth-authorization-server</c> (RFC 8414), a document per zone because each zone has its own keys:
/// the zone is named as at the JWKS endpoint, or behind the well-known path.
/// </summary>
internal sealed class ServerMetadata(StsSettings settings, ZoneStates zones)
{
    private readonly string _base = settings.Issuer.TrimEnd('/');

    public async Task HandleAsync(HttpContext context)
    {
        var zoneId = ((string?)context.Request.RouteValues["zoneId"] ?? context.Request.Query["zone_id"].ToString()).Trim();
        if (zoneId.Length == 0)
        {
            await ErrorBody.WriteAsync(context, StsErrors.JwksZoneMissing);
            return;
        }

        try
        {
            if (await zones.GetFreshAsync(zoneId, context.RequestAborted) is not { IsArchived: false })
            {
                await ErrorBody.WriteAsync(context, StsErrors.ZoneUnknown);
                return;
            }
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
            return;
        }

        context.Response.Headers.CacheControl = "public, max-age=300, must-revalidate";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await ErrorBody.WriteJsonAsync(context.Response, writer => Write(writer, zoneId));
    }

    private void Write(Utf8JsonWriter writer, string zoneId)
    {
        writer.WriteStartObject();
        writer.WriteString("issuer"u8, settings.Issuer);
        writer.WriteString("token_endpoint"u8, $"{_base}/oauth/2/token");
        writer.WriteString("jwks_uri"u8, $"{_base}/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zoneId)}");
        writer.WriteString("introspection_endpoint"u8, $"{_base}/oauth/2/introspect");
        writer.WriteString("revocation_endpoint"u8, $"{_base}/oauth/2/revoke");
        WriteTexts(writer, "response_types_supported"u8, []);
        WriteTexts(writer, "grant_types_supported"u8, ["urn:ietf:params:oauth:grant-type:token-exchange"]);
        WriteTexts(writer, "token_endpoint_auth_methods_supported"u8, ["client_secret_post"]);
        WriteTexts(writer, "introspection_endpoint_auth_methods_supported"u8, ["client_secret_basic", "client_secret_post"]);
        WriteTexts(writer, "revocation_endpoint_auth_methods_supported"u8, ["client_secret_basic", "client_secret_post"]);
        writer.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
