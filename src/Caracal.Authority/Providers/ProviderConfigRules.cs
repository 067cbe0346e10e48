using System.Text.RegularExpressions;

namespace Caracal.Authority.Providers;

/// <summary>What the fields of one configuration must satisfy together. Each check names its problem; null means it holds.</summary>
internal static partial class ProviderConfigRules
{
    private static readonly HashSet<string> ReservedAuthorizationParams =
        ["client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state"];

    private static readonly HashSet<string> ReservedTokenParams =
    [
        "client_assertion", "client_assertion_type", "client_id", "client_secret", "code", "code_verifier", "grant_type",
        "redirect_uri", "refresh_token", "scope",
    ];

    private static readonly HashSet<string> ReservedHeaders =
    [
        "baggage", "connection", "content-encoding", "content-length", "content-type", "expect", "forwarded", "host", "keep-alive",
        "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "via", "x-real-ip", "x-request-id",
    ];

    /// <summary>The first rule broken; fills in the defaults of the stored form.</summary>
    public static string? Check(ProviderConfig config, IReadOnlyCollection<string> stored) =>
        Common(config) ?? config.Kind switch
        {
            ProviderKinds.HttpBasic => HttpBasic(config, stored),
            ProviderKinds.ApiKey => ApiKey(config, stored),
            ProviderKinds.BearerToken => BearerToken(config, stored),
            ProviderKinds.ClientCredentials => OAuthClientRules.ClientCredentials(config, stored),
            ProviderKinds.AuthorizationCode => OAuthClientRules.AuthorizationCode(config, stored),
            _ => null,
        };

    internal static bool IsReservedTokenParam(string name) => ReservedTokenParams.Contains(name);

    internal static string? Required(ProviderConfig config, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (!config.Has(field)) return $"{field} is required";
        }

        return null;
    }

    internal static string? RequiredSecret(ProviderConfig config, IReadOnlyCollection<string> stored, string field) =>
        config.Secret(field) is null && !stored.Contains(field) ? $"{field} is required" : null;

    private static string? Common(ProviderConfig config) =>
        Header(config, "header_name")
        ?? Header(config, "auth_header")
        ?? (config.Text("auth_scheme") is { } scheme && !Scheme().IsMatch(scheme) ? "auth_scheme is not a scheme name" : null)
        ?? (config.Text("query_param_name") is { } name && !ParamName().IsMatch(name) ? "query_param_name is not a parameter name" : null)
        ?? Params(config, "authorization_params", ReservedAuthorizationParams)
        ?? Params(config, "token_params", ReservedTokenParams)
        ?? Hosts(config);

    private static string? Header(ProviderConfig config, string field)
    {
        if (config.Text(field) is not { } header) return null;
        var lower = header.ToLowerInvariant();
        if (!Token().IsMatch(header)) return $"{field} is not a header name";
        return ReservedHeaders.Contains(lower)
            || lower.StartsWith("x-caracal-", StringComparison.Ordinal)
            || lower.StartsWith("x-forwarded-", StringComparison.Ordinal)
            || lower.StartsWith("proxy-", StringComparison.Ordinal)
            ? $"{field} must not name a reserved header"
            : null;
    }

    private static string? Params(ProviderConfig config, string field, HashSet<string> reserved)
    {
        foreach (var name in config.Map(field)?.Keys ?? [])
        {
            if (!ParamName().IsMatch(name)) return $"{field} holds a name that is not a parameter name";
            if (reserved.Contains(name)) return $"{field} must not set {name}";
        }

        return null;
    }

    private static string? Hosts(ProviderConfig config)
    {
        if (config.Texts("allowed_token_hosts") is not { } hosts) return null;
        var lower = hosts.Select(host => host.ToLowerInvariant()).Distinct().ToArray();
        if (Array.Exists(lower, host => !HostName().IsMatch(host) || host.Contains("..", StringComparison.Ordinal)))
        {
            return "allowed_token_hosts holds something that is not a host name";
        }

        config.Set("allowed_token_hosts", lower);
        return null;
    }

    private static string? HttpBasic(ProviderConfig config, IReadOnlyCollection<string> stored) =>
        Required(config, "username")
        ?? (config.Text("username")!.Any(c => c is ':' or <= '\u001f' or '\u007f') ? "username must hold no colon and no control characters" : null)
        ?? RequiredSecret(config, stored, "password");

    private static string? ApiKey(ProviderConfig config, IReadOnlyCollection<string> stored)
    {
        config.Default("auth_location", "header");
        var location = config.Text("auth_location");
        var problem = location switch
        {
            "header" => Required(config, "header_name") ?? (config.Has("query_param_name") ? "query_param_name needs auth_location query" : null),
            "query" => Required(config, "query_param_name")
                ?? (config.Has("header_name") ? "header_name needs auth_location header" : null)
                ?? (config.Has("auth_scheme") ? "auth_scheme needs auth_location header" : null),
            _ => "auth_location must be header or query",
        };
        return problem
            ?? RequiredSecret(config, stored, "api_key")
            ?? (config.Text("auth_scheme") is { } scheme ? SchemeInside(config.Secret("api_key"), scheme, "api_key") : null);
    }

    private static string? BearerToken(ProviderConfig config, IReadOnlyCollection<string> stored) =>
        RequiredSecret(config, stored, "bearer_token")
        ?? SchemeInside(config.Secret("bearer_token"), config.Text("auth_scheme") ?? "Bearer", "bearer_token");

    // The scheme is written for the caller; one inside the value would be sent twice.
    private static string? SchemeInside(string? secret, string scheme, string field) =>
        secret is not null && secret.StartsWith(scheme + " ", StringComparison.OrdinalIgnoreCase)
            ? $"{field} must not start with its scheme"
            : null;

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"^[A-Za-z0-9._~-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex ParamName();

    [GeneratedRegex(@"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    [GeneratedRegex(@"^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$", RegexOptions.CultureInvariant)]
    private static partial Regex HostName();
}
