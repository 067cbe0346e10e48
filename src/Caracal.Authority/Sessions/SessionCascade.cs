namespace Caracal.Authority.Sessions;

/// <summary>One Session that ends, with the state and the reason it ends with.</summary>
/// <param name="Session">The row before the end.</param>
/// <param name="Status"><c>terminated</c> or <c>expired</c>.</param>
/// <param name="Reason">What the row and its messages say.</param>
public sealed record SessionEnd(Session Session, string Status, string Reason);

/// <summary>What ends together, and what their surviving parents lose.</summary>
/// <param name="Ends">In id order, the order in which rows are locked.</param>
/// <param name="ChildrenLost">Per surviving parent, how many children it loses.</param>
public sealed record EndPlan(IReadOnlyList<SessionEnd> Ends, IReadOnlyDictionary<string, int> ChildrenLost);

/// <summary>How ends and pauses spread through a Session tree, computed over given rows.</summary>
public static class SessionCascade
{
    /// <summary>
    /// Ends the roots and every descendant reached through open Sessions. Roots get <paramref name="rootStatus"/> and
    /// <paramref name="reason"/>, descendants end because their parent did. Rows already ended stay as they are.
    /// </summary>
    public static EndPlan End(IReadOnlyCollection<string> rootIds, IReadOnlyCollection<Session> rows, string rootStatus, string reason)
    {
        var roots = rootIds.ToHashSet(StringComparer.Ordinal);
        var ends = Reach(roots, rows, session => SessionStatus.IsOpen(session.Status))
            .Select(session => roots.Contains(session.Id)
                ? new SessionEnd(session, rootStatus, reason)
                : new SessionEnd(session, SessionStatus.Terminated, EndReason.ParentTerminated))
            .OrderBy(end => end.Session.Id, StringComparer.Ordinal)
            .ToArray();
        var ended = ends.Select(end => end.Session.Id).ToHashSet(StringComparer.Ordinal);
        var lost = ends
            .Where(end => end.Session.ParentId is { } parent && !ended.Contains(parent))
            .GroupBy(end => end.Session.ParentId!, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        return new EndPlan(ends, lost);
    }

    /// <summary>The root and its descendants reached through rows in <paramref name="status"/>; empty when the root is not in it.</summary>
    public static IReadOnlyList<Session> InStatus(string rootId, IReadOnlyCollection<Session> rows, string status) =>
        [.. Reach(new HashSet<string>(StringComparer.Ordinal) { rootId }, rows, session => session.Status == status)
            .OrderBy(session => session.Id, StringComparer.Ordinal)];

    private static List<Session> Reach(HashSet<string> rootIds, IReadOnlyCollection<Session> rows, Func<Session, bool> passes)
    {
        var children = rows.Where(row => row.ParentId is not null).ToLookup(row => row.ParentId!, StringComparer.Ordinal);
        var reached = new List<Session>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Queue<Session>(rows.Where(row => rootIds.Contains(row.Id)));
        while (open.TryDequeue(out var session))
        {
            if (!passes(session) || !seen.Add(session.Id))
            {
                continue;
            }

            reached.Add(session);
            foreach (var child in children[session.Id])
            {
                open.Enqueue(child);
            }
        }

        return reached;
    }
}
