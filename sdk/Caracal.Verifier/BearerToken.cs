namespace Caracal.Verifier;

/// <summary>Finds the token in an <c>Authorization</c> header (gateway.md B2), in one pass.</summary>
public static class BearerToken
{
    private const string Scheme = "Bearer";

    /// <summary>The token; empty when there is none.</summary>
    public static string Find(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || authorization.Length == Scheme.Length || !char.IsWhiteSpace(authorization[Scheme.Length]))
        {
            return "";
        }

        return authorization.AsSpan(Scheme.Length).Trim().ToString();
    }
}
