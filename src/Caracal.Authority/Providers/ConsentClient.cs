using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Caracal.Authority.Providers;

/// <summary>How a user's consent is asked for (RFC 6749 4.1 with PKCE), read from a provider's stored configuration (api.md 11.3).</summary>
public sealed record ConsentClient
{
    public required Uri AuthorizationEndpoint { get; init; }
    public required string RedirectUri { get; init; }
    public required string ClientId { get; init; }
    public ImmutableArray<string> Scopes { get; init; } = [];
    public ImmutableArray<KeyValuePair<string, string>> Parameters { get; init; } = [];

    /// <summary>Where tokens are taken back (RFC 7009); null when the provider has no such place.</summary>
    public Uri? RevocationEndpoint { get; init; }

    /// <summary>Null when the configuration lacks what consent needs, or its authorization endpoint is none.</summary>
    public static ConsentClient? TryRead(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object
            || Endpoint(config, "authorization_endpoint") is not { } endpoint
            || Text(config, "redirect_uri") is not { } redirect
            || Text(config, "client_id") is not { } clientId)
        {
            return null;
        }

        return new ConsentClient
        {
            AuthorizationEndpoint = endpoint,
            RedirectUri = redirect,
            ClientId = clientId,
            Scopes = config.TryGetProperty("scopes", out var scopes) && scopes.ValueKind == JsonValueKind.Array
                ? [.. scopes.EnumerateArray().Select(scope => scope.GetString()!)]
                : [],
            Parameters = config.TryGetProperty("authorization_params", out var more) && more.ValueKind == JsonValueKind.Object
                ? [.. more.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, member.Value.GetString()!))]
                : [],
            RevocationEndpoint = Endpoint(config, "revocation_endpoint"),
        };
    }

    /// <summary>Where the user's browser goes.</summary>
    /// <param name="state">Names this attempt.</param>
    /// <param name="verifier">Kept here; its SHA-256 travels.</param>
    public string AuthorizationUrl(string state, string verifier)
    {
        var url = new StringBuilder(AuthorizationEndpoint.GetLeftPart(UriPartial.Path));
        var separator = '?';
        if (AuthorizationEndpoint.Query.Length > 1)
        {
            url.Append(AuthorizationEndpoint.Query);
            separator = '&';
        }

        foreach (var (name, value) in Parameters) Add(name, value);
        Add("response_type", "code");
        Add("client_id", ClientId);
        Add("redirect_uri", RedirectUri);
        Add("state", state);
        if (!Scopes.IsEmpty) Add("scope", string.Join(' ', Scopes));
        Add("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))));
        Add("code_challenge_method", "S256");
        return url.ToString();

        void Add(string name, string value)
        {
            url.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }
    }

    private static Uri? Endpoint(JsonElement config, string name) =>
        Uri.TryCreate(Text(config, name), UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.Host.Length > 0
        && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0
            ? uri
            : null;

    private static string? Text(JsonElement config, string name) =>
        config.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : null;
}
