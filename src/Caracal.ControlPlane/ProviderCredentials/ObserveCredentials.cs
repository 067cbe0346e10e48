using System.Collections.Concurrent;
using Caracal.Authority.ProviderCredentials;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Providers;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.ProviderCredentials;
using Caracal.Storage.Providers;
using Caracal.Storage.Resources;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>
/// Takes a credential that upstreams refuse out of use, within its observation and once: after that the change has ended, and
/// nothing is left to fall back to. Of several replicas one takes the step, the others find it taken. Agents choose what they
/// call, so refusals alone are no proof: where the credential was proven, the same canary is asked again.
/// </summary>
internal sealed class ObserveCredentials(
    CredentialSteps steps, CredentialSlots slots, CredentialCounts counts, CredentialTrial trial, DatabaseClock clock, Counter fallbacks, ILogger log)
{
    /// <summary>Who the ledgers say it was.</summary>
    public const string Actor = "caracal";

    private const string Refused = "refused by upstreams";

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Answers of calls that began within the observation still arrive.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    // Whoever makes an upstream refuse cannot make us call it more often than this.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _paused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _unopened = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var shifted = await steps.Database.ReadSettledAsync(CredentialChangeStore.ListShiftedAsync, cancellationToken);
        Forget(shifted);
        foreach (var change in shifted)
        {
            if (!change.Automatic || clock.Now > change.ObserveUntil + Grace) continue;
            if (_paused.TryGetValue(change.Id, out var until) && clock.Now < until) continue;
            var counted = await counts.OfAsync(change, cancellationToken);
            if (CredentialChangeRules.MustFallBack(counted.Answers, counted.Refusals, change.RefusalsAllowed, change.RefusedPercent)
                && await RefusalAsync(counted, cancellationToken) is { } reason)
            {
                await FallBackAsync(counted, reason, cancellationToken);
            }
        }
    }

    // Null when the credential stays. The reason is what is left of the credential afterwards: its values are deleted.
    private async Task<string?> RefusalAsync(CredentialChange change, CancellationToken cancellationToken)
    {
        if (await AskAgainAsync(change, cancellationToken) is not { } result) return $"{Refused}; there was no canary to ask";
        if (result.Status == ConnectivityRules.AuthFailed) return $"{Refused}, and its canary again: {result.Detail}";
        _paused[change.Id] = clock.Now + Pause;
        if (result.IsOk) await counts.RenewAsync(change, cancellationToken);
        ObserveCredentialsLog.Held(log, change.ProviderId, change.Refusals, change.Answers, result.Status);
        return null;
    }

    // Null where there is nothing to ask: shifted without a proof, or what it was proven at is gone.
    private async Task<CheckResult?> AskAgainAsync(CredentialChange change, CancellationToken cancellationToken)
    {
        if (change.CanaryStatus != ConnectivityRules.Ok) return null;
        var (provider, resource) = await steps.Database.ReadAsync(
            async connection => (
                await ProviderStore.FindAsync(connection, change.ZoneId, change.ProviderId),
                change.CanaryResourceId is { } id ? await ResourceStore.FindAsync(connection, change.ZoneId, id) : null),
            cancellationToken);
        if (provider is null || await slots.OpenInUseAsync(change.ZoneId, change.ProviderId) is not { } secrets) return null;
        if (ProviderKinds.IsOAuth(provider.ProviderKind)) return await trial.RunAsync(provider, provider.ConfigJson.Value, secrets, null, cancellationToken);
        return resource?.CredentialProviderId == provider.Id && resource.UpstreamUrl is { } upstream && change is { CanaryPath: { } path, CanaryMethod: { } method }
            ? await trial.RunAsync(provider, provider.ConfigJson.Value, secrets, new CanaryTarget(upstream, path, method), cancellationToken)
            : null;
    }

    private void Forget(IReadOnlyList<CredentialChange> shifted)
    {
        var open = shifted.Select(change => change.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var id in _paused.Keys.Concat(_unopened.Keys).Where(id => !open.Contains(id)))
        {
            _paused.TryRemove(id, out _);
            _unopened.TryRemove(id, out _);
        }
    }

    private async Task FallBackAsync(CredentialChange change, string reason, CancellationToken cancellationToken)
    {
        var done = await steps.Database.WriteAsync(
            WriteKind.Configuration,
            async work =>
            {
                if (!await CredentialChangeStore.LockProviderAsync(work, change.ZoneId, change.ProviderId)
                    || await ProviderStore.FindAsync(work.Connection, change.ZoneId, change.ProviderId) is not { } provider)
                {
                    return false;
                }

                var now = clock.Now;
                var after = EndCredentialChange.Ended(change, CredentialChangeRules.FellBack, reason, now);
                if (await CredentialSteps.SaveAsync(work, change, after) is not { } saved) return false;
                if (!await slots.FallBackAsync(work, provider, change, Actor, now))
                {
                    work.Discard();
                    if (_unopened.TryAdd(change.Id, true)) ObserveCredentialsLog.Unopened(log, change.ProviderId);
                    _paused[change.Id] = now + Pause;
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
    [LoggerMessage(EventId = 3010, EventName = "provider_credential_fell_back", Level = LogLevel.Error, Message = "the credential of provider {ProviderId} was refused {Refusals} times of {Answers}; the one before is in use again")]
    public static partial void FellBack(ILogger logger, string providerId, long refusals, long answers);

    [LoggerMessage(EventId = 3011, EventName = "provider_credential_unopened", Level = LogLevel.Error, Message = "the credential of provider {ProviderId} is refused, and the one before cannot be opened")]
    public static partial void Unopened(ILogger logger, string providerId);

    [LoggerMessage(EventId = 3012, EventName = "provider_credential_held", Level = LogLevel.Warning, Message = "upstreams refused calls with the credential of provider {ProviderId} {Refusals} times of {Answers}, but its canary says {Status}; it stays in use")]
    public static partial void Held(ILogger logger, string providerId, long refusals, long answers, string status);
}
