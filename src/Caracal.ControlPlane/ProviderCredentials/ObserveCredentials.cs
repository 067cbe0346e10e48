using Caracal.Authority.ProviderCredentials;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>
/// Takes a credential that upstreams refuse out of use, within its observation and once: after that the change has ended, and
/// nothing is left to fall back to. Of several replicas one takes the step, the others find it taken.
/// </summary>
internal sealed class ObserveCredentials(CredentialSteps steps, CredentialSlots slots, CredentialCounts counts, DatabaseClock clock, Counter fallbacks, ILogger log)
{
    /// <summary>Who the ledgers say it was.</summary>
    public const string Actor = "caracal";

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Answers of calls that began within the observation still arrive.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var change in await steps.Database.ReadAsync(CredentialChangeStore.ListShiftedAsync, cancellationToken))
        {
            if (!change.Automatic || clock.Now > change.ObserveUntil + Grace) continue;
            var counted = await counts.OfAsync(change, cancellationToken);
            if (CredentialChangeRules.MustFallBack(counted.Answers, counted.Refusals, change.RefusalsAllowed, change.RefusedPercent))
            {
                await FallBackAsync(counted, cancellationToken);
            }
        }
    }

    private async Task FallBackAsync(CredentialChange change, CancellationToken cancellationToken)
    {
        var done = await steps.Database.WriteAsync(
            async work =>
            {
                if (!await CredentialChangeStore.LockProviderAsync(work, change.ZoneId, change.ProviderId)
                    || await ProviderStore.FindAsync(work.Connection, change.ZoneId, change.ProviderId) is not { } provider)
                {
                    return false;
                }

                var now = clock.Now;
                var after = EndCredentialChange.Ended(change, CredentialChangeRules.FellBack, "refused by upstreams", now);
                if (await CredentialSteps.SaveAsync(work, change, after) is not { } saved) return false;
                if (!await slots.FallBackAsync(work, provider, change, Actor, now))
                {
                    work.Discard();
                    ObserveCredentialsLog.Unopened(log, change.ProviderId);
                    return false;
                }

                await steps.AppendAsync(work, saved, "fall-back", now);
                await steps.AnnounceAsync(work, saved, "fell_back", change.Id, Actor, now);
                return true;
            },
            cancellationToken);
        if (!done) return;
        fallbacks.Add();
        ObserveCredentialsLog.FellBack(log, change.ProviderId, change.Refusals, change.Answers);
    }
}

/// <summary>Log lines of the observer.</summary>
internal static partial class ObserveCredentialsLog
{
    [LoggerMessage(EventId = 3030, EventName = "provider_credential_fell_back", Level = LogLevel.Error, Message = "the credential of provider {ProviderId} was refused {Refusals} times of {Answers}; the one before is in use again")]
    public static partial void FellBack(ILogger logger, string providerId, long refusals, long answers);

    [LoggerMessage(EventId = 3031, EventName = "provider_credential_unopened", Level = LogLevel.Error, Message = "the credential of provider {ProviderId} is refused, and the one before cannot be opened")]
    public static partial void Unopened(ILogger logger, string providerId);
}
