namespace Caracal.Verifier.Revocations;

/// <summary>What is known of revoked authority (gateway.md B6). A store that cannot answer must say "revoked", or throw.</summary>
public interface IRevocationStore
{
    /// <summary>True when the id was revoked.</summary>
    ValueTask<bool> IsRevokedAsync(string anchor, CancellationToken cancellationToken = default);

    /// <summary>Remembers a revocation; 24 hours unless said otherwise, because no mandate lives longer.</summary>
    ValueTask MarkRevokedAsync(string anchor, TimeSpan? lifetime = null, CancellationToken cancellationToken = default);

    /// <summary>The newest epoch of a zone's delegation graph; 0 when unknown.</summary>
    ValueTask<long> CurrentDelegationEpochAsync(string zoneId, CancellationToken cancellationToken = default);

    /// <summary>Raises the epoch; a lower one changes nothing.</summary>
    ValueTask MarkDelegationEpochAsync(string zoneId, long epoch, TimeSpan? lifetime = null, CancellationToken cancellationToken = default);

    /// <summary>True when any of the ids was revoked.</summary>
    async ValueTask<bool> IsAnyRevokedAsync(IReadOnlyList<string> anchors, CancellationToken cancellationToken = default)
    {
        foreach (var anchor in anchors)
        {
            if (await IsRevokedAsync(anchor, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }
}
