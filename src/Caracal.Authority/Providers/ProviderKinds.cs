using System.Collections.Frozen;

namespace Caracal.Authority.Providers;

/// <summary>How a config field is used.</summary>
internal enum FieldUse
{
    Text,
    Flag,
    Texts,
    TextMap,
}

/// <summary>The provider kinds and the fields each may carry (api.md 7, the field matrix).</summary>
public static class ProviderKinds
{
    public const string None = "none";
    public const string CaracalMandate = "caracal_mandate";
    public const string HttpBasic = "http_basic";
    public const string ApiKey = "api_key";
    public const string BearerToken = "bearer_token";
    public const string ClientCredentials = "oauth2_client_credentials";
    public const string AuthorizationCode = "oauth2_authorization_code";

    private static readonly FrozenDictionary<string, FrozenSet<string>> PublicFields = new Dictionary<string, FrozenSet<string>>
    {
        [None] = Set("allow_runtime_injection"),
        [CaracalMandate] = Set("allow_runtime_injection"),
        [HttpBasic] = Set("username", "allowed_token_hosts", "forward_caracal_identity"),
        [ApiKey] = Set(
            "auth_location", "header_name", "query_param_name", "auth_scheme", "allowed_token_hosts", "forward_caracal_identity",
            "allow_runtime_injection"),
        [BearerToken] = Set("auth_header", "auth_scheme", "allowed_token_hosts", "forward_caracal_identity", "allow_runtime_injection"),
        [ClientCredentials] = Set(
            "token_endpoint", "client_id", "grant_type", "client_auth_method", "scopes", "audience", "resource", "assertion_subject",
            "assertion_audience", "key_id", "certificate", "allowed_token_hosts", "token_params", "auth_header", "auth_scheme",
            "forward_caracal_identity", "allow_runtime_injection"),
        [AuthorizationCode] = Set(
            "authorization_endpoint", "token_endpoint", "redirect_uri", "client_id", "revocation_endpoint", "scopes",
            "client_auth_method", "allowed_token_hosts", "authorization_params", "token_params", "auth_header", "auth_scheme",
            "forward_caracal_identity"),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, FrozenSet<string>> SecretFields = new Dictionary<string, FrozenSet<string>>
    {
        [None] = Set(),
        [CaracalMandate] = Set(),
        [HttpBasic] = Set("password"),
        [ApiKey] = Set("api_key"),
        [BearerToken] = Set("bearer_token"),
        [ClientCredentials] = Set("client_secret", "private_key"),
        [AuthorizationCode] = Set("client_secret"),
    }.ToFrozenDictionary();

    public static bool IsKind(string kind) => PublicFields.ContainsKey(kind);

    public static bool IsOAuth(string kind) => kind is ClientCredentials or AuthorizationCode;

    internal static bool IsPublicField(string kind, string field) => PublicFields[kind].Contains(field);

    internal static bool IsSecretField(string kind, string field) => SecretFields[kind].Contains(field);

    internal static FieldUse UseOf(string field) => field switch
    {
        "allow_runtime_injection" or "forward_caracal_identity" => FieldUse.Flag,
        "scopes" or "allowed_token_hosts" => FieldUse.Texts,
        "token_params" or "authorization_params" => FieldUse.TextMap,
        _ => FieldUse.Text,
    };

    private static FrozenSet<string> Set(params string[] fields) => fields.ToFrozenSet(StringComparer.Ordinal);
}
