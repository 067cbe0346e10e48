namespace Caracal.Sdk.TokenExchange;

/// <summary>The reusable mandate that Sessions are managed with, and who this client is.</summary>
internal sealed class LifecycleToken(CaracalOptions options, TokenClient tokens)
{
    private static readonly TimeSpan LongestJitter = TimeSpan.FromMilliseconds(350);

    /// <summary>Zone and application of the credentials of this moment.</summary>
    public async ValueTask<(string Zone, string Application)> IdentityAsync(CancellationToken cancellationToken)
    {
        if (options.BootstrapToken is not null) return (options.ZoneId!, options.ApplicationId!);
        var credentials = await tokens.CredentialsAsync(cancellationToken).ConfigureAwait(false);
        return (credentials.ZoneId, credentials.ApplicationId);
    }

    public async ValueTask<string> BearerAsync(CancellationToken cancellationToken)
    {
        if (options.BootstrapToken is { } fixedToken) return fixedToken;
        if (options.Resources.Count == 0) throw new CaracalConfigurationException("Sessions need at least one configured resource");
        var mandate = await tokens.ExchangeAsync(Request(options.Resources.Select(resource => resource.ResourceId)), cancellationToken).ConfigureAwait(false);
        return mandate.Token;
    }

    /// <summary>Runs a call; 401 gets a new token and one more try, after a pause that keeps many clients apart.</summary>
    public async Task<T> WithTokenAsync<T>(Func<string, CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        try
        {
            return await run(await BearerAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (CoordinatorException refused) when (refused.HttpStatus == 401 && options.BootstrapToken is null)
        {
            tokens.Forget();
            await Task.Delay(LongestJitter * Random.Shared.NextDouble(), options.Time, cancellationToken).ConfigureAwait(false);
            return await run(await BearerAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The exchange for managing Sessions on these resources.</summary>
    public ExchangeRequest Request(IEnumerable<string> resources) =>
        new() { Resources = ExchangeRequest.Sorted(resources), Scopes = [options.LifecycleScope] };
}
