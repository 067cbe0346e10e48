using System.Buffers;
using System.Text;
using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Protocol.Exchange;

namespace Caracal.Authority.Upstreams;

/// <summary>Turns a provider's stored configuration and its opened secrets into a directive (sts.md 9.1).</summary>
public static class UpstreamDirectiveRules
{
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> QueryCharacters =
        SearchValues.Create("._~-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>The directive of a resource without a provider, or with one that forwards the mandate.</summary>
    public static UpstreamDirective Mandate(string? url) =>
        new() { Url = url ?? "", AuthMode = "caracal_jwt", AuthHeader = "Authorization", AuthScheme = "Bearer" };

    /// <summary>Null when the configuration cannot be brokered: unknown kind, wrong shape, missing secret. The answer is then 502.</summary>
    public static UpstreamDirective? Build(
        string? url, string providerId, string kind, JsonElement config, IReadOnlyDictionary<string, string> secrets)
    {
        if (config.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var directive = kind switch
        {
            "none" => new UpstreamDirective { AuthMode = "none" },
            "caracal_mandate" => Mandate(url),
            "api_key" => ApiKey(config, secrets),
            "bearer_token" => BearerToken(config, secrets),
            "http_basic" => HttpBasic(config, secrets),
            ProviderKinds.ClientCredentials or ProviderKinds.AuthorizationCode => OAuth(config),
            _ => null,
        };
        if (directive is null || kind is "none" or "caracal_mandate")
        {
            return directive is null ? null : directive with { Url = url ?? "" };
        }

        if (TokenHosts(config) is not { } hosts || !Flag(config, "forward_caracal_identity", out var forward))
        {
            return null;
        }

        return directive with
        {
            Url = url ?? "",
            ProviderId = providerId,
            AllowedTokenHosts = ProviderKinds.IsOAuth(kind) ? [] : hosts,
            ForwardCaracalIdentity = forward,
        };
    }

    private static UpstreamDirective? ApiKey(JsonElement config, IReadOnlyDictionary<string, string> secrets)
    {
        if (!secrets.TryGetValue("api_key", out var key) || key.Length == 0
            || !Optional(config, "auth_location", out var location)
            || !Optional(config, "auth_scheme", out var scheme))
        {
            return null;
        }

        var directive = new UpstreamDirective { AuthMode = "provider_apikey", ProviderToken = key };
        switch (location ?? "header")
        {
            case "header" when Optional(config, "header_name", out var header) && IsHeader(header) && IsSchemeOrAbsent(scheme):
                return directive with { AuthLocation = "header", AuthHeader = header, AuthScheme = scheme };
            case "query" when Optional(config, "query_param_name", out var query) && IsQueryName(query) && scheme is null:
                return directive with { AuthLocation = "query", QueryParamName = query };
            default:
                return null;
        }
    }

    private static UpstreamDirective? BearerToken(JsonElement config, IReadOnlyDictionary<string, string> secrets)
    {
        if (!secrets.TryGetValue("bearer_token", out var token) || token.Length == 0
            || !Optional(config, "auth_header", out var header) || !Optional(config, "auth_scheme", out var scheme)
            || (header is not null && !IsHeader(header)) || !IsSchemeOrAbsent(scheme))
        {
            return null;
        }

        return new UpstreamDirective
        {
            AuthMode = "provider_oauth",
            AuthHeader = header ?? "Authorization",
            AuthScheme = scheme ?? "Bearer",
            ProviderToken = token,
        };
    }

    // The token is added for each call: it is fetched, not stored.
    private static UpstreamDirective? OAuth(JsonElement config) =>
        Optional(config, "auth_header", out var header) && Optional(config, "auth_scheme", out var scheme)
        && (header is null || IsHeader(header)) && IsSchemeOrAbsent(scheme)
            ? new UpstreamDirective { AuthMode = "provider_oauth", AuthHeader = header ?? "Authorization", AuthScheme = scheme ?? "Bearer" }
            : null;

    private static UpstreamDirective? HttpBasic(JsonElement config, IReadOnlyDictionary<string, string> secrets)
    {
        if (!secrets.TryGetValue("password", out var password) || password.Length == 0
            || !Optional(config, "username", out var username) || string.IsNullOrEmpty(username)
            || username.Contains(':', StringComparison.Ordinal))
        {
            return null;
        }

        return new UpstreamDirective
        {
            AuthMode = "provider_oauth",
            AuthHeader = "Authorization",
            AuthScheme = "Basic",
            ProviderToken = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{username}:{password}")),
        };
    }

    private static List<string>? TokenHosts(JsonElement config)
    {
        if (!config.TryGetProperty("allowed_token_hosts"u8, out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var hosts = new List<string>(list.GetArrayLength());
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.String || !IsHostName(entry.GetString()!))
            {
                return null;
            }

            hosts.Add(entry.GetString()!.ToLowerInvariant());
        }

        return hosts;
    }

    private static bool IsHostName(string host) =>
        host.Length is > 0 and <= 253
        && char.IsAsciiLetterOrDigit(host[0]) && char.IsAsciiLetterOrDigit(host[^1])
        && !host.Contains("..", StringComparison.Ordinal)
        && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-');

    private static bool IsHeader(string? name) => name is { Length: > 0 } && !name.AsSpan().ContainsAnyExcept(TokenCharacters);

    private static bool IsQueryName(string? name) => name is { Length: > 0 } && !name.AsSpan().ContainsAnyExcept(QueryCharacters);

    private static bool IsSchemeOrAbsent(string? scheme) =>
        scheme is null
        || (scheme.Length > 0 && char.IsAsciiLetter(scheme[0]) && scheme.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'));

    // Absent, null and blank are one; a value that is no text makes the configuration bad.
    private static bool Optional(JsonElement config, string name, out string? value)
    {
        value = null;
        if (!config.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (member.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        value = member.GetString() is { Length: > 0 } text ? text : null;
        return true;
    }

    private static bool Flag(JsonElement config, string name, out bool value)
    {
        value = false;
        if (!config.TryGetProperty(name, out var member) || member.ValueKind is JsonValueKind.Null or JsonValueKind.False)
        {
            return true;
        }

        value = member.ValueKind == JsonValueKind.True;
        return value;
    }
}
