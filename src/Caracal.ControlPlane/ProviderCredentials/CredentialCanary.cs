using Caracal.Authority.Providers;
using Caracal.Authority.Upstreams;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.Providers;
using Caracal.Protocol.Exchange;
using Caracal.Storage;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>Where a canary calls.</summary>
/// <param name="UpstreamUrl">A resource's upstream.</param>
/// <param name="Path">Below it.</param>
/// <param name="Method"><c>GET</c> or <c>HEAD</c>.</param>
internal sealed record CanaryTarget(string UpstreamUrl, string Path, string Method);

/// <summary>
/// Tries a credential where it will be used: without it the upstream has to refuse, with it it has to answer. An upstream that
/// lets everybody in proves nothing. Nothing of an answer is kept but its status.
/// </summary>
internal sealed class CredentialCanary(OutboundHttp http, DatabaseClock clock)
{
    public const string Unverified = "unverified";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <param name="directive">How the Gateway would send it.</param>
    /// <param name="target">Where.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<CheckResult> RunAsync(UpstreamDirective? directive, CanaryTarget target, CancellationToken cancellationToken)
    {
        if (directive is null || CredentialRules.TryPlan(directive, null, out var injection) != InjectionOutcome.Ready
            || UrlOf(target, null) is not { } bare || UrlOf(target, injection) is not { } url)
        {
            return Result(ConnectivityRules.ConfigError, "the provider's configuration, the upstream or the path cannot be used");
        }

        if (!CredentialRules.MayGoTo(directive, url.Host)) return Result(ConnectivityRules.ConfigError, "the upstream's host is not among allowed_token_hosts");
        if (await AskAsync(target, bare, default, cancellationToken) is not { } without) return Unreachable();
        if (without is >= 200 and < 300) return Result(Unverified, $"without a credential the upstream answered {without}, so its answer with one proves nothing");
        return await AskAsync(target, url, injection, cancellationToken) switch
        {
            null => Unreachable(),
            (401 or 403) and var status => Result(ConnectivityRules.AuthFailed, $"the upstream refused the credential with {status}"),
            >= 200 and < 300 and var status => Result(ConnectivityRules.Ok, $"the upstream answered {status}, and {without} without the credential"),
            var status => Result(ConnectivityRules.EndpointError, $"the upstream answered {status}"),
        };
    }

    private async Task<int?> AskAsync(CanaryTarget target, Uri url, Injection injection, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(target.Method), url);
        if (injection.Header is not null && !request.Headers.TryAddWithoutValidation(injection.Header, injection.Value)) return null;
        return (await http.AskAsync(request, cancellationToken, Timeout, plainToo: true))?.Status;
    }

    private static Uri? UrlOf(CanaryTarget target, Injection? injection)
    {
        if (!Uri.TryCreate(target.UpstreamUrl, UriKind.Absolute, out var upstream)) return null;
        var url = new UriBuilder(upstream) { Path = upstream.AbsolutePath.TrimEnd('/') + target.Path };
        if (injection?.QueryKey is { } key)
        {
            url.Query = $"{url.Query.TrimStart('?')}&{Uri.EscapeDataString(key)}={Uri.EscapeDataString(injection.Value.Value!)}".TrimStart('&');
        }

        return url.Uri;
    }

    private CheckResult Unreachable() => Result(ConnectivityRules.Unreachable, "the upstream did not answer, or may not be called");

    private CheckResult Result(string status, string detail) => new(status, detail, clock.Now);
}
