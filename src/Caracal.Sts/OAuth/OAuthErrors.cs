using Caracal.Protocol;

namespace Caracal.Sts.OAuth;

/// <summary>Refusals of the standard endpoints, in the words of RFC 6749 5.2 that their clients know.</summary>
internal static class OAuthErrors
{
    public static readonly Refusal InvalidClient = new(401, "invalid_client", "client authentication failed");
    public static readonly Refusal TokenMissing = new(400, "invalid_request", "token is required");
    public static readonly Refusal TwoAuthentications = new(400, "invalid_request", "one form of client authentication is enough");
    public static readonly Refusal NotYours = new(400, "unauthorized_client", "the token was not issued to this client");
}
