using System.Text.Json;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Outbound;
using Caracal.Storage;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Providers;

/// <summary><c>POST …/providers/discovery</c>: what an issuer publishes about its endpoints (OpenID Connect Discovery, RFC 8414).</summary>
internal sealed class DiscoverProvider(Database database, OutboundHttp http, RateLimits limits)
{
    private const int PerMinute = 10;
    private const int MostScopes = 64;
    private const int LongestScope = 200;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidIssuer);
        var issuer = fields.Text("issuer", 1, 512, trim: true);
        if (fields.Problem() is { } problem) return problem;
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.UserInfo.Length > 0
            || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.Host.Length == 0)
        {
            return ControlPlaneErrors.InvalidIssuer.With("issuer must be an https URL without user information, query or fragment");
        }

        if (!await database.ReadAsync(connection => ZoneStore.ExistsAsync(connection, call.ZoneId), call.Cancelled)) return ControlPlaneErrors.ZoneNotFound;
        if (!await limits.AdmitAsync($"rl:providerdiscovery:{call.ZoneId}", PerMinute, TimeSpan.FromSeconds(60), call.Cancelled))
        {
            return ControlPlaneErrors.ProviderDiscoveryRateLimited with { RetryAfterSeconds = 60 };
        }

        var trimmed = uri.AbsoluteUri.TrimEnd('/');
        string[] places =
        [
            $"{trimmed}/.well-known/openid-configuration",
            $"{uri.GetLeftPart(UriPartial.Authority)}/.well-known/oauth-authorization-server{uri.AbsolutePath.TrimEnd('/')}",
        ];
        foreach (var place in places)
        {
            if (await ReadAsync(place, issuer, call.Cancelled) is { } found) return Answer.Ok(found);
        }

        return ControlPlaneErrors.ProviderDiscoveryFailed.With("the issuer publishes no document that names it");
    }

    private async Task<Action<Utf8JsonWriter>?> ReadAsync(string place, string issuer, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, place);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        if (await http.AskAsync(request, cancellationToken) is not { Status: 200 } answer) return null;
        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || Text(root, "issuer") is not { } named || named.TrimEnd('/') != issuer.TrimEnd('/')
                || Text(root, "token_endpoint") is not { } token)
            {
                return null;
            }

            var endpoints = (Token: token, Authorization: Text(root, "authorization_endpoint"), Revocation: Text(root, "revocation_endpoint"));
            var scopes = Texts(root, "scopes_supported")?.Where(scope => scope.Length is > 0 and <= LongestScope).Take(MostScopes).ToArray();
            var methods = Texts(root, "token_endpoint_auth_methods_supported")?
                .Where(method => method is "client_secret_basic" or "client_secret_post" or "private_key_jwt" or "none").ToArray();
            return JsonRows.Object(writer =>
            {
                writer.WriteString("issuer", named);
                writer.WriteString("token_endpoint", endpoints.Token);
                if (endpoints.Authorization is not null) writer.WriteString("authorization_endpoint", endpoints.Authorization);
                if (endpoints.Revocation is not null) writer.WriteString("revocation_endpoint", endpoints.Revocation);
                if (scopes is not null) writer.Texts("scopes_supported", scopes);
                if (methods is not null) writer.Texts("token_endpoint_auth_methods_supported", methods);
            });
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 2048 } text
            ? text
            : null;

    private static List<string>? Texts(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(member => member.ValueKind == JsonValueKind.String).Select(member => member.GetString()!)]
            : null;
}
