using System.Globalization;
using Caracal.Protocol;
using Caracal.Verifier.Redis;

namespace Caracal.Verifier.Revocations;

/// <summary>
/// Carries revocations and delegation epochs from the streams into a store. A message that cannot be applied now stays
/// pending; one that never can be goes to the dead letters with the reason.
/// </summary>
public sealed class RevocationStreamConsumer
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly string[] AnchorFields = ["session_id", "sid", "root_sid", "agent_session_id", "delegation_edge_id"];

    private readonly IRevocationStore _store;
    private readonly MessageSignatures _signatures;
    private readonly StreamGroup _revocations;
    private readonly StreamGroup _epochs;

    /// <summary>Throws <see cref="ArgumentException"/> when signatures are required and there is no key.</summary>
    public RevocationStreamConsumer(IRedisCommands redis, IRevocationStore store, RevocationStreamOptions options)
    {
        if (options.RequireSignature == true && options.SigningKeys.Count == 0)
        {
            throw new ArgumentException("signatures are required, but there is no key to check them with", nameof(options));
        }

        _store = store;
        _signatures = new MessageSignatures(options.SigningKeys, options.RequireSignature ?? options.SigningKeys.Count > 0);
        var own = options.Instance ?? (store is InMemoryRevocationStore ? Guid.NewGuid().ToString("N") : null);
        var suffix = own is null ? "" : ":" + own;
        _revocations = new StreamGroup(redis, Topics.SessionsRevoke, "resource-revocation" + suffix, options);
        _epochs = new StreamGroup(redis, Topics.DelegationsInvalidate, "resource-delegation-invalidation" + suffix, options);
        OwnsGroups = own is not null;
    }

    /// <summary>True when nobody else reads with these groups, so that they can be removed at the end.</summary>
    public bool OwnsGroups { get; }

    /// <summary>One round over both streams; answers how many messages were settled. Throws when Redis does.</summary>
    public async Task<int> PollAsync(CancellationToken cancellationToken = default) =>
        await _revocations.PollAsync(ApplyRevocationAsync, cancellationToken) + await _epochs.PollAsync(ApplyEpochAsync, cancellationToken);

    /// <summary>Polls until it is cancelled; a Redis that is away is asked again every second.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (await PollAsync(cancellationToken) == 0)
                {
                    await Task.Delay(Pause, cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is IOException or InvalidOperationException)
            {
                await Task.Delay(Pause, cancellationToken).ContinueWith(
                    static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Removes groups that are this instance's own; for a clean exit.</summary>
    public async Task RemoveGroupsAsync(CancellationToken cancellationToken = default)
    {
        if (OwnsGroups)
        {
            await _revocations.RemoveAsync(cancellationToken);
            await _epochs.RemoveAsync(cancellationToken);
        }
    }

    private async Task<string?> ApplyRevocationAsync(StreamMessage message, CancellationToken cancellationToken)
    {
        if (!_signatures.Accept(Topics.SessionsRevoke, message.Fields))
        {
            return "invalid_signature";
        }

        var anchors = AnchorFields.Select(message.Value).Where(value => !string.IsNullOrEmpty(value)).Distinct(StringComparer.Ordinal).ToList();
        foreach (var anchor in anchors)
        {
            await _store.MarkRevokedAsync(anchor!, null, cancellationToken);
        }

        return anchors.Count == 0 ? "missing_revocation_anchor" : null;
    }

    private async Task<string?> ApplyEpochAsync(StreamMessage message, CancellationToken cancellationToken)
    {
        if (!_signatures.Accept(Topics.DelegationsInvalidate, message.Fields))
        {
            return "invalid_signature";
        }

        if (message.Value("zone_id") is not { Length: > 0 } zone
            || !long.TryParse(message.Value("epoch"), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
        {
            return "invalid_delegation_epoch";
        }

        await _store.MarkDelegationEpochAsync(zone, epoch, null, cancellationToken);
        return null;
    }
}
