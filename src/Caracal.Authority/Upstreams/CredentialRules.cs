using System.Buffers;
using System.Collections.Frozen;
using Caracal.Protocol.Exchange;

namespace Caracal.Authority.Upstreams;

/// <summary>Where a credential goes in the upstream request. Holds a secret; never logged.</summary>
/// <param name="Header">The header that carries it, or null.</param>
/// <param name="QueryKey">The query parameter that carries it, or null.</param>
/// <param name="Value">The whole value, scheme included.</param>
public readonly record struct Injection(string? Header, string? QueryKey, string? Value)
{
    public override string ToString() => "Injection(***)";
}

/// <summary>What became of a directive's credential; the default is a failure.</summary>
public enum InjectionOutcome
{
    Unbuildable,
    CredentialMissing,
    Ready,
}

/// <summary>The injection table of gateway.md A9.</summary>
public static class CredentialRules
{
    private const string DefaultHeader = "Authorization";

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly FrozenSet<string> ForbiddenHeaders = new[]
    {
        "baggage", "connection", "content-encoding", "content-length", "content-type", "expect", "forwarded", "host",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "traceparent", "tracestate", "trailer",
        "transfer-encoding", "upgrade", "via", "x-real-ip", "x-request-id",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Decides what to inject for <paramref name="directive"/>.</summary>
    public static InjectionOutcome TryPlan(UpstreamDirective directive, string? accessToken, out Injection injection)
    {
        injection = default;
        switch (directive.AuthMode)
        {
            case "none":
                return InjectionOutcome.Ready;
            case "caracal_jwt":
                if (accessToken is null)
                {
                    return InjectionOutcome.CredentialMissing;
                }

                var scheme = string.IsNullOrEmpty(directive.AuthScheme) ? "Bearer" : directive.AuthScheme;
                return TryHeader(directive, scheme, accessToken, out injection);
            case "provider_oauth" or "provider_apikey" when string.IsNullOrEmpty(directive.ProviderToken):
                return InjectionOutcome.CredentialMissing;
            case "provider_apikey" when directive.AuthLocation == "query":
                injection = new Injection(null, directive.QueryParamName, directive.ProviderToken);
                return string.IsNullOrEmpty(directive.QueryParamName) ? InjectionOutcome.Unbuildable : InjectionOutcome.Ready;
            case "provider_oauth" or "provider_apikey":
                return TryHeader(directive, directive.AuthScheme, directive.ProviderToken!, out injection);
            default:
                return InjectionOutcome.Unbuildable;
        }
    }

    /// <summary>True when the directive's credential may go to <paramref name="host"/> (step 17).</summary>
    public static bool MayGoTo(UpstreamDirective directive, string host)
    {
        var allowed = directive.AllowedTokenHosts;
        for (var i = 0; i < allowed.Count; i++)
        {
            if (string.Equals(allowed[i], host, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return allowed.Count == 0;
    }

    private static InjectionOutcome TryHeader(UpstreamDirective directive, string? scheme, string token, out Injection injection)
    {
        var header = string.IsNullOrEmpty(directive.AuthHeader) ? DefaultHeader : directive.AuthHeader;
        injection = new Injection(header, null, string.IsNullOrEmpty(scheme) ? token : $"{scheme} {token}");
        var valid = IsAllowedHeader(header) && !injection.Value.AsSpan().ContainsAny('\r', '\n', '\0');
        return valid ? InjectionOutcome.Ready : InjectionOutcome.Unbuildable;
    }

    private static bool IsAllowedHeader(string name) =>
        !name.AsSpan().ContainsAnyExcept(TokenCharacters)
        && !name.StartsWith("x-caracal-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("x-forwarded-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("proxy-", StringComparison.OrdinalIgnoreCase)
        && !ForbiddenHeaders.Contains(name);
}
