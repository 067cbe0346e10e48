using System.Buffers;

namespace Caracal.Authority.Providers;

/// <summary>What a token endpoint's answer to a trial says about the configuration (api.md 7, the check).</summary>
public static class ConnectivityRules
{
    public const string Ok = "ok";
    public const string AuthFailed = "auth_failed";
    public const string ConfigError = "config_error";
    public const string Unreachable = "unreachable";
    public const string EndpointError = "endpoint_error";

    private static readonly SearchValues<char> CodeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_");

    /// <summary>Judges an answer that came.</summary>
    /// <param name="kind">One of the OAuth kinds.</param>
    /// <param name="jwtBearer">Whether the client asserts itself (RFC 7523).</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="hasToken">Whether the answer holds a token.</param>
    /// <param name="error">Its error code, or null.</param>
    public static string Judge(string kind, bool jwtBearer, int status, bool hasToken, string? error)
    {
        var noSuchCode = error is "invalid_grant" or "bad_verification_code";

        // The code that was tried is made up: who refuses it, and only it, knows the client.
        if (kind == ProviderKinds.AuthorizationCode && noSuchCode) return Ok;
        if (kind == ProviderKinds.ClientCredentials && status == 200 && hasToken && error is null) return Ok;
        if (RefusesClient(jwtBearer, status, error)) return AuthFailed;

        return error is "invalid_scope" or "invalid_target" ? ConfigError : EndpointError;
    }

    /// <summary>Whether a token endpoint does not take the client's own credential.</summary>
    public static bool RefusesClient(bool jwtBearer, int status, string? error) =>
        status == 401 || error is "invalid_client" or "unauthorized_client" or "incorrect_client_credentials"
        || (jwtBearer && error is "invalid_grant" or "bad_verification_code");

    /// <summary>Whether an upstream's error code may be repeated: lower case words, nothing else.</summary>
    public static bool IsErrorCode(string? text) =>
        text is { Length: > 0 and <= 64 } && !text.AsSpan().ContainsAnyExcept(CodeCharacters);
}
