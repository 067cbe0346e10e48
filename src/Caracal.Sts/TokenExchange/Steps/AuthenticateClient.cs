using Caracal.Authority.TokenExchange;
using Caracal.Protocol;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 9: who asks (sts.md 3). An unknown id costs the same work as a wrong secret and reads the same.</summary>
internal sealed class AuthenticateClient(ExchangeParts parts) : IExchangeStep
{
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var application = exchange.Zone?.FindApplication(exchange.Request.ApplicationId!);
        var verdict = exchange.IsGateway
            ? CheckGatewayCaller(exchange, application)
            : await CheckSecretAsync(exchange, application, cancellationToken);
        if (!verdict.GoesOn)
        {
            return verdict;
        }

        exchange.Application = application;
        if (exchange.Zone!.IsArchived)
        {
            return StsErrors.ZoneArchived; // B18
        }

        return await parts.Limits.CountClientAsync(exchange.ZoneId, application!.Id, cancellationToken)
            ? Verdict.Continue
            : StsErrors.RateLimited;
    }

    // The Gateway speaks for the mandate's client, which must still exist.
    private static Verdict CheckGatewayCaller(Exchange exchange, ExchangeApplication? application)
    {
        if (exchange.Request.SubjectToken is null)
        {
            return StsErrors.SubjectTokenRequired;
        }

        return application is not null && application.IsLive(exchange.Now) ? Verdict.Continue : StsErrors.ApplicationInactive;
    }

    private async ValueTask<Verdict> CheckSecretAsync(
        Exchange exchange, ExchangeApplication? application, CancellationToken cancellationToken)
    {
        var secret = exchange.Request.ClientSecret ?? "";
        if (ClientSecrets.Matches(application, secret, exchange.Now, out var previous))
        {
            // Whoever retires the old secret is told whether it is still in use (operations.md 4.6.9).
            await (previous is null ? ValueTask.CompletedTask : parts.PreviousSecrets.NoteAsync(previous, exchange.Now, cancellationToken));
            return Verdict.Continue;
        }

        if (application is null
            && await FindElsewhereAsync(exchange, secret, cancellationToken) is { } zone)
        {
            return StsErrors.WrongZone.With($"application belongs to zone {zone}, not {exchange.ZoneId}");
        }

        if (exchange.Zone is not null)
        {
            await parts.Audit.ClientAuthFailedAsync(exchange, cancellationToken);
        }

        if (exchange.ClientIsBlocked)
        {
            return StsErrors.RateLimited;
        }

        return await parts.Limits.CountFailureAsync(exchange.Request.ApplicationId!, cancellationToken)
            ? StsErrors.BadClient
            : StsErrors.RateLimited;
    }

    // Only who holds the secret learns where its application lives.
    private async ValueTask<string?> FindElsewhereAsync(Exchange exchange, string secret, CancellationToken cancellationToken)
    {
        var id = exchange.Request.ApplicationId!;
        var zone = await parts.Configuration.FindApplicationZoneAsync(id, cancellationToken);
        if (zone is null || zone == exchange.ZoneId)
        {
            return null;
        }

        var state = await parts.Zones.GetFreshAsync(zone, cancellationToken);
        return ClientSecrets.Matches(state?.FindApplication(id), secret, exchange.Now, out _) ? zone : null;
    }
}
