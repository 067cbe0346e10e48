using System.Collections.Immutable;
using System.Text.Json;

namespace Caracal.Authority.Providers;

/// <summary>How a provider's token endpoint is asked, read from its stored configuration (sts.md 9.2, 9.3).</summary>
public sealed record OAuthClient
{
    public required Uri TokenEndpoint { get; init; }
    public required string ClientId { get; init; }

    /// <summary><c>client_secret_basic</c>, <c>client_secret_post</c>, <c>private_key_jwt</c> or <c>none</c>.</summary>
    public required string AuthMethod { get; init; }

    /// <summary>True for the RFC 7523 grant: the client asserts itself instead of asking for its own credentials.</summary>
    public bool IsJwtBearer { get; init; }
    public ImmutableArray<string> Scopes { get; init; } = [];
    public string? Audience { get; init; }
    public string? Resource { get; init; }
    public ImmutableArray<KeyValuePair<string, string>> TokenParams { get; init; } = [];
    public string? KeyId { get; init; }
    public string? Certificate { get; init; }
    public required string AssertionSubject { get; init; }
    public required string AssertionAudience { get; init; }

    /// <summary>True when the scheme of the credential is configured, so that the endpoint's <c>token_type</c> does not matter.</summary>
    public bool HasOwnScheme { get; init; }

    /// <summary>Null when anything is missing, of a wrong type or not allowed: such a provider is not brokered at all.</summary>
    public static OAuthClient? TryRead(string kind, JsonElement config)
    {
        if (!ProviderKinds.IsOAuth(kind) || config.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var read = new Fields(config);
        var grant = read.Text("grant_type") ?? "client_credentials";
        var jwtBearer = kind == ProviderKinds.ClientCredentials && grant == "jwt_bearer";
        var method = read.Text("client_auth_method") ?? (jwtBearer ? OAuthClientRules.NoMethod : OAuthClientRules.Basic);
        var endpoint = Endpoint(read.Text("token_endpoint"), read.Texts("allowed_token_hosts"));
        var id = read.Text("client_id");
        var parameters = read.Params("token_params");
        if (endpoint is null || id is null || !IsMethodOf(kind, method) || (!jwtBearer && grant != "client_credentials"))
        {
            return null;
        }

        var client = new OAuthClient
        {
            TokenEndpoint = endpoint,
            ClientId = id,
            AuthMethod = method,
            IsJwtBearer = jwtBearer,
            Scopes = read.Texts("scopes"),
            Audience = read.Text("audience"),
            Resource = read.Text("resource"),
            TokenParams = parameters,
            KeyId = read.Text("key_id"),
            Certificate = read.Text("certificate"),
            AssertionSubject = read.Text("assertion_subject") ?? id,
            AssertionAudience = read.Text("assertion_audience") ?? read.Text("token_endpoint")!,
            HasOwnScheme = read.Text("auth_scheme") is not null,
        };
        return read.IsGood ? client : null;
    }

    private static bool IsMethodOf(string kind, string method) => method switch
    {
        OAuthClientRules.Basic or OAuthClientRules.Post or OAuthClientRules.NoMethod => true,
        OAuthClientRules.PrivateKeyJwt => kind == ProviderKinds.ClientCredentials,
        _ => false,
    };

    // sts.md 9.6: the endpoint's host has to be named, so that a changed URL alone sends the secret nowhere new.
    private static Uri? Endpoint(string? text, ImmutableArray<string> hosts) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.UserInfo.Length == 0
        && uri.Fragment.Length == 0 && hosts.Contains(uri.IdnHost, StringComparer.OrdinalIgnoreCase)
            ? uri
            : null;

    private sealed class Fields(JsonElement config)
    {
        /// <summary>False after a member of a wrong type or with a forbidden name.</summary>
        public bool IsGood { get; private set; } = true;

        public string? Text(string name)
        {
            if (!config.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            {
                return null;
            }

            IsGood &= value.ValueKind == JsonValueKind.String;
            return value.ValueKind == JsonValueKind.String && value.GetString()!.Trim() is { Length: > 0 } text ? text : null;
        }

        public ImmutableArray<string> Texts(string name)
        {
            if (!config.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            {
                return [];
            }

            if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            {
                IsGood = false;
                return [];
            }

            return [.. value.EnumerateArray().Select(item => item.GetString()!)];
        }

        public ImmutableArray<KeyValuePair<string, string>> Params(string name)
        {
            if (!config.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            {
                return [];
            }

            if (value.ValueKind != JsonValueKind.Object)
            {
                IsGood = false;
                return [];
            }

            var list = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
            foreach (var member in value.EnumerateObject())
            {
                var key = member.Name.Trim();
                var text = member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()!.Trim() : "";
                IsGood &= key.Length > 0 && text.Length > 0 && !ProviderConfigRules.IsReservedTokenParam(key);
                list.Add(new(key, text));
            }

            return list.ToImmutable();
        }
    }
}
