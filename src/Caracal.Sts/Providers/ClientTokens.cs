using System.Collections.Concurrent;
using Caracal.Egress.Providers;
using Caracal.Storage;
using Caracal.Sts.Health;

namespace Caracal.Sts.Providers;

/// <summary>A token for an upstream and when it ends; prints nothing of itself.</summary>
internal sealed record UpstreamToken(string Token, DateTimeOffset? ExpiresAt)
{
    public override string ToString() => "***";
}

/// <summary>Tokens a provider gives to us as its client (sts.md 9.2): asked for once by all who need it, kept until shortly before they end.</summary>
internal sealed class ClientTokens(
    TokenEndpointClient endpoint, ProviderCircuit circuit, CredentialWatches watches, StsSettings settings, DatabaseClock clock, StsMetrics metrics)
{
    private const int MostProviders = 10_000;
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(30);

    private readonly SingleFlight<UpstreamToken> _flights = new(TimeSpan.FromSeconds(15));
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <summary>Null when there is none to be had now.</summary>
    public Task<UpstreamToken?> FindAsync(string providerId, OAuthCredentials credentials, CancellationToken cancellationToken)
    {
        if (Usable(providerId, credentials) is { } known)
        {
            return Task.FromResult<UpstreamToken?>(known);
        }

        return _flights.RunAsync(credentials.Fingerprint, ct => AskAsync(providerId, credentials, ct), metrics.RefreshShared, cancellationToken);
    }

    private UpstreamToken? Usable(string providerId, OAuthCredentials credentials) =>
        _known.TryGetValue(providerId, out var known) && known.Fingerprint == credentials.Fingerprint
        && known.Token.ExpiresAt - Early > clock.Now
            ? known.Token
            : null;

    private async Task<UpstreamToken?> AskAsync(string providerId, OAuthCredentials credentials, CancellationToken cancellationToken)
    {
        // Somebody may have finished between our look and our turn.
        if (Usable(providerId, credentials) is { } known)
        {
            return known;
        }

        if (await circuit.IsOpenAsync(credentials.FailureName, cancellationToken))
        {
            return null;
        }

        var now = clock.Now;
        if (TokenRequests.ForCredentials(credentials, now) is not { } form)
        {
            metrics.RefreshFailed();
            return null;
        }

        var outcome = await endpoint.AskAsync(credentials.Client, form, cancellationToken);
        await watches.CountAsync(credentials.Watch, outcome, cancellationToken);
        if (outcome.Token is not { } answer)
        {
            metrics.RefreshFailed();
            await circuit.FailedAsync(credentials.FailureName, cancellationToken);
            return null;
        }

        var seconds = Math.Min(answer.ExpiresIn ?? settings.MaximumGrantSeconds, settings.MaximumGrantSeconds);
        var token = new UpstreamToken(answer.AccessToken, now.AddSeconds(seconds));
        if (_known.Count >= MostProviders)
        {
            _known.Clear();
        }

        _known[providerId] = new Known(credentials.Fingerprint, token);
        await circuit.SucceededAsync(credentials.FailureName, cancellationToken);
        return token;
    }

    private sealed record Known(string Fingerprint, UpstreamToken Token);
}
