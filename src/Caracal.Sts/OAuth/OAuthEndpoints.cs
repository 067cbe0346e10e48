using Caracal.Storage.TokenExchange;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.OAuth;

/// <summary>The standard faces, made together because they share their client authentication.</summary>
internal sealed record OAuthEndpoints(ServerMetadata Metadata, IntrospectToken Introspect, RevokeToken Revoke)
{
    public static OAuthEndpoints Create(ExchangeParts parts, StsDependencies on)
    {
        var clients = new OAuthClientAuthentication(parts);
        var revocations = new TokenRevocation(on.Database, on.Outbox);
        return new OAuthEndpoints(
            new ServerMetadata(parts.Settings, parts.Zones),
            new IntrospectToken(parts, clients, revocations),
            new RevokeToken(parts, clients, revocations));
    }
}
