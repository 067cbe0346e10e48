namespace Caracal.Authority.Delegations;

/// <summary>An edge with its distance from where a walk began; the first edge has depth 1.</summary>
/// <param name="Edge">The edge.</param>
/// <param name="Depth">1 to 10.</param>
public readonly record struct ReachedDelegation(Delegation Edge, int Depth);

/// <summary>How the end of an edge, or of a Session, spreads through the graph, computed over given rows.</summary>
public static class DelegationCascade
{
    /// <summary>
    /// The edge and every active edge reachable from its target, each once at its shortest distance, nearest first.
    /// The first edge is taken whatever its state, so that a reader may look at an ended one.
    /// </summary>
    public static IReadOnlyList<ReachedDelegation> Forward(Delegation first, IReadOnlyCollection<Delegation> edges)
    {
        var outbound = edges
            .Where(edge => edge.Status == DelegationStatus.Active && edge.Id != first.Id)
            .ToLookup(edge => edge.SourceSessionId, StringComparer.Ordinal);
        var reached = new List<ReachedDelegation> { new(first, 1) };
        var seen = new HashSet<string>(StringComparer.Ordinal) { first.Id };
        var expanded = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < reached.Count; at++)
        {
            var (edge, depth) = reached[at];
            if (depth == DelegationLimits.TraversalDepth || !expanded.Add(edge.TargetSessionId))
            {
                continue;
            }

            foreach (var next in outbound[edge.TargetSessionId].OrderBy(e => e.Id, StringComparer.Ordinal).Where(e => seen.Add(e.Id)))
            {
                reached.Add(new ReachedDelegation(next, depth + 1));
            }
        }

        return reached;
    }

    /// <summary>The active edges that touch a Session of <paramref name="endedSessions"/>, in id order.</summary>
    public static IReadOnlyList<Delegation> Touching(IReadOnlyCollection<string> endedSessions, IReadOnlyCollection<Delegation> edges)
    {
        var ended = endedSessions.ToHashSet(StringComparer.Ordinal);
        return [.. edges
            .Where(edge => edge.Status == DelegationStatus.Active && (ended.Contains(edge.SourceSessionId) || ended.Contains(edge.TargetSessionId)))
            .OrderBy(edge => edge.Id, StringComparer.Ordinal)];
    }

    /// <summary>The next epoch of a zone: the first is 1, and no step goes down (coordinator.md 4).</summary>
    public static long NextEpoch(long? current) => Math.Max(current ?? 0, 0) + 1;
}
