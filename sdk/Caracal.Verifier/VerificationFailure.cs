namespace Caracal.Verifier;

/// <summary>Why a mandate was not accepted (gateway.md B5). Says nothing about keys or parsing; safe to send.</summary>
/// <param name="Status">401 or 403.</param>
/// <param name="Code">One of the codes of gateway.md B5.</param>
/// <param name="Description">For the caller.</param>
public sealed record VerificationFailure(int Status, string Code, string Description)
{
    /// <summary>What the caller can do about it; empty for nothing.</summary>
    public string Hint { get; init; } = "";

    /// <summary>The header that tells a client which kind of credential is missing.</summary>
    /// <param name="requirements">Of the route; its scopes are named on 403.</param>
    public string WwwAuthenticate(MandateRequirements requirements)
    {
        if (Code == Failures.MissingTokenCode)
        {
            return "Bearer realm=\"caracal\"";
        }

        if (Status == 401)
        {
            return "Bearer error=\"invalid_token\"";
        }

        // RFC 6749 3.3: what may stand in a scope, and so cannot end the quoted string.
        var scopes = requirements.RequiredScopes.Where(scope => scope.Length > 0 && !scope.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e') && scope.AsSpan().IndexOfAny('"', '\\') < 0);
        var listed = string.Join(' ', scopes);
        return listed.Length == 0 ? "Bearer error=\"insufficient_scope\"" : $"Bearer error=\"insufficient_scope\", scope=\"{listed}\"";
    }
}

/// <summary>Every failure there is.</summary>
internal static class Failures
{
    public const string MissingTokenCode = "missing_token";

    public static readonly VerificationFailure MissingToken =
        new(401, MissingTokenCode, "Missing bearer token") { Hint = "Send the mandate as Authorization: Bearer." };

    public static readonly VerificationFailure InvalidToken = new(401, "invalid_token", "Token validation failed");
    public static readonly VerificationFailure Expired = new(401, "invalid_token", "Token expired during execution") { Hint = "Obtain a new mandate." };
    public static readonly VerificationFailure InvalidZone = new(401, "invalid_zone", "Token zone validation failed");
    public static readonly VerificationFailure Revoked = new(401, "session_revoked", "Session revoked");
    public static readonly VerificationFailure Stale = new(401, "delegation_stale", "Delegation graph changed") { Hint = "Obtain a new mandate." };
    public static readonly VerificationFailure SessionRequired = new(403, "session_required", "Session required");
    public static readonly VerificationFailure DelegationRequired = new(403, "delegation_required", "Delegation required");
    public static readonly VerificationFailure TooManyHops = new(403, "hop_count_exceeded", "Hop count exceeded");

    public static VerificationFailure MissingScope(string scope) => new(403, "insufficient_scope", $"Missing scope: {scope}");

    public static VerificationFailure MissingApplication(string id) => new(403, "chain_mismatch", $"Delegation chain missing application: {id}");
}
