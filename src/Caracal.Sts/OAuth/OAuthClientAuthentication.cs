using System.Net;
using System.Text;
using Caracal.Authority.TokenExchange;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.OAuth;

/// <summary>Who asks at a standard endpoint: an application with its secret, in a header or in the form (RFC 6749 2.3.1).</summary>
/// <param name="Zone">The application's own zone; no other is ever looked at.</param>
/// <param name="Application">The caller.</param>
internal sealed record OAuthCaller(ZoneState Zone, ExchangeApplication Application);

/// <summary>Authenticates with the limits and the evidence of the token endpoint, so that nothing is easier to guess here.</summary>
internal sealed class OAuthClientAuthentication(ExchangeParts parts)
{
    private const string Scheme = "Basic ";

    public async ValueTask<(OAuthCaller? Caller, Refusal? Refusal)> RunAsync(
        HttpContext context, FormFields form, CancellationToken cancellationToken)
    {
        var (id, secret, refusal) = Read(context.Request, form);
        if (refusal is not null)
        {
            return (null, refusal);
        }

        var blocked = await parts.Limits.IsBlockedAsync(id, cancellationToken);
        var zoneId = await parts.Configuration.FindApplicationZoneAsync(id, cancellationToken);
        var zone = zoneId is null ? null : await parts.Zones.GetFreshAsync(zoneId, cancellationToken);
        var application = zone?.FindApplication(id);
        var now = parts.Clock.Now;
        if (!ClientSecrets.Matches(application, secret, now, out var previous))
        {
            return (null, await FailAsync(context, id, zone, blocked, cancellationToken));
        }

        if (previous is not null)
        {
            await parts.PreviousSecrets.NoteAsync(previous, now, cancellationToken);
        }

        if (zone!.IsArchived)
        {
            return (null, StsErrors.ZoneArchived);
        }

        return await parts.Limits.CountClientAsync(zone.ZoneId, id, cancellationToken)
            ? (new OAuthCaller(zone, application!), null)
            : (null, StsErrors.RateLimited);
    }

    private async ValueTask<Refusal> FailAsync(HttpContext context, string id, ZoneState? zone, bool blocked, CancellationToken cancellationToken)
    {
        if (zone is not null)
        {
            var exchange = new Exchange(new TokenRequest { ZoneId = zone.ZoneId, ApplicationId = id }, context.RequestId()) { Zone = zone, Now = parts.Clock.Now };
            await parts.Audit.ClientAuthFailedAsync(exchange, cancellationToken);
        }

        return !blocked && await parts.Limits.CountFailureAsync(id, cancellationToken) ? OAuthErrors.InvalidClient : StsErrors.RateLimited;
    }

    private static (string Id, string Secret, Refusal? Refusal) Read(HttpRequest request, FormFields form)
    {
        var header = request.Headers.Authorization;
        var id = (form.Find("client_id") ?? form.Find("application_id"))?.Trim();
        var secret = form.Find("client_secret");
        if (header.Count == 0)
        {
            return string.IsNullOrEmpty(id) || string.IsNullOrEmpty(secret) ? ("", "", OAuthErrors.InvalidClient) : (id, secret, null);
        }

        if (secret is not null)
        {
            return ("", "", OAuthErrors.TwoAuthentications);
        }

        return header.Count == 1 && ReadBasic(header[0]) is var (name, password) && (id is null || id == name)
            ? (name, password, null)
            : ("", "", OAuthErrors.InvalidClient);
    }

    // Both halves are form-encoded inside the Base64 (RFC 6749 2.3.1).
    private static (string Id, string Secret)? ReadBasic(string? header)
    {
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        try
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(header[Scheme.Length..].Trim()));
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            return colon > 0 ? (WebUtility.UrlDecode(text[..colon]), WebUtility.UrlDecode(text[(colon + 1)..])) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
