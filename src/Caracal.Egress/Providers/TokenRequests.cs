using System.Text;

namespace Caracal.Egress.Providers;

/// <summary>A request to a token endpoint: its form and, for <c>client_secret_basic</c>, its header.</summary>
public sealed record TokenForm(List<KeyValuePair<string, string>> Fields, string? Authorization)
{
    public override string ToString() => "***";
}

/// <summary>Builds the forms of sts.md 9.2 and 9.3. Null when an assertion cannot be signed.</summary>
public static class TokenRequests
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    public static TokenForm? ForCredentials(OAuthCredentials credentials, DateTimeOffset now)
    {
        var client = credentials.Client;
        var fields = new List<KeyValuePair<string, string>>();
        if (client.IsJwtBearer)
        {
            if (Assertions.Grant(client, credentials.PrivateKey!, now) is not { } assertion)
            {
                return null;
            }

            fields.Add(new("grant_type", JwtBearer));
            fields.Add(new("assertion", assertion));
        }
        else
        {
            fields.Add(new("grant_type", "client_credentials"));
            Add(fields, "scope", string.Join(' ', client.Scopes));
            Add(fields, "audience", client.Audience);
            Add(fields, "resource", client.Resource);
        }

        return Authenticated(credentials, fields, now);
    }

    public static TokenForm? ForRefresh(OAuthCredentials credentials, string refreshToken, DateTimeOffset now) =>
        Authenticated(credentials, [new("grant_type", "refresh_token"), new("refresh_token", refreshToken)], now);

    /// <summary>The exchange of an authorization code, bound to the verifier of its PKCE challenge.</summary>
    public static TokenForm? ForCode(OAuthCredentials credentials, string code, string redirectUri, string verifier, DateTimeOffset now) =>
        Authenticated(
            credentials,
            [
                new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", redirectUri), new("code_verifier", verifier),
            ],
            now);

    /// <summary>RFC 7009: takes one token back.</summary>
    public static TokenForm? ForRevocation(OAuthCredentials credentials, string token, string hint, DateTimeOffset now) =>
        Authenticated(credentials, [new("token", token), new("token_type_hint", hint)], now);

    private static TokenForm? Authenticated(OAuthCredentials credentials, List<KeyValuePair<string, string>> fields, DateTimeOffset now)
    {
        var client = credentials.Client;
        fields.AddRange(client.TokenParams);
        switch (client.AuthMethod)
        {
            case "client_secret_basic":
                return new TokenForm(fields, Basic(client.ClientId, credentials.ClientSecret!));
            case "client_secret_post":
                fields.Add(new("client_id", client.ClientId));
                fields.Add(new("client_secret", credentials.ClientSecret!));
                return new TokenForm(fields, null);
            case "private_key_jwt" when Assertions.Client(client, credentials.PrivateKey!, now) is { } assertion:
                fields.Add(new("client_id", client.ClientId));
                fields.Add(new("client_assertion_type", AssertionType));
                fields.Add(new("client_assertion", assertion));
                return new TokenForm(fields, null);
            case "none":
                if (!client.IsJwtBearer)
                {
                    fields.Add(new("client_id", client.ClientId));
                }

                return new TokenForm(fields, null);
            default:
                return null;
        }
    }

    // RFC 6749 2.3.1: both parts are form-encoded before they are joined.
    private static string Basic(string id, string secret) =>
        "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Encode(id)}:{Encode(secret)}"));

    private static string Encode(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);

    private static void Add(List<KeyValuePair<string, string>> fields, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            fields.Add(new(name, value));
        }
    }
}
