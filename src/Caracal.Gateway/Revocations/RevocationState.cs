using System.Collections.Concurrent;
using Caracal.Protocol.Mandates;
using Caracal.Storage.Revocations;

namespace Caracal.Gateway.Revocations;

/// <summary>
/// What is revoked, in memory: authority records, Sessions and delegations, each for 24 hours (gateway.md A7). Readers
/// take no lock; marks and snapshots take turns.
/// </summary>
internal sealed class RevocationState
{
    /// <summary>How long a mark is kept; no mandate lives longer.</summary>
    public static readonly TimeSpan MarkLifetime = TimeSpan.FromHours(24);

    /// <summary>Two snapshot intervals and ten seconds: an older state is not trusted.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(70);

    // What ended stays ended, so a record may outlast a snapshot without it: the canary of a rotation's verification is in no table,
    // and is looked for after the snapshot that may come right then.
    private static readonly TimeSpan RecordsOutlast = TimeSpan.FromSeconds(10);

    private readonly Lock _turn = new();
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, long> _resumed = new(StringComparer.Ordinal);
    private volatile AnchorSets _sets = new();
    private long _snapshotAt;
    private volatile bool _hasSnapshot;

    public RevocationState(TimeProvider time) => _time = time;

    /// <summary>Called after something new was marked, outside the lock; must not throw.</summary>
    public Action? Marked { get; set; }

    /// <summary>Age of the last good snapshot, counted from the start of its query; the largest value before the first.</summary>
    public TimeSpan SnapshotAge => _hasSnapshot ? _time.GetElapsedTime(Volatile.Read(ref _snapshotAt)) : TimeSpan.MaxValue;

    /// <summary>False when the snapshot is older than 70 s: then every request is refused.</summary>
    public bool IsFresh => SnapshotAge <= FreshFor;

    /// <summary>How many anchors are marked.</summary>
    public int Count => _sets.Count;

    /// <summary>A moment to hand to <see cref="Apply"/>; taken before the snapshot's query starts.</summary>
    public long Moment() => _time.GetTimestamp();

    /// <summary>True when one of the mandate's anchors, or an edge it was handed down by, is marked. An absent id never matches.</summary>
    public bool IsRevoked(MandateClaims claims)
    {
        var sets = _sets;
        return sets.IsEmpty is false
            && (Has(sets.Records, claims.Sid)
                || Has(sets.Records, claims.RootSid)
                || Has(sets.Sessions, claims.AgentSessionId)
                || Has(sets.Delegations, claims.DelegationEdgeId)
                || HasAny(sets.Delegations, claims.DelegationPath));
    }

    /// <summary>True when the id is marked in any of the three sets.</summary>
    public bool IsMarked(string anchor)
    {
        var sets = _sets;
        return Has(sets.Records, anchor) || Has(sets.Sessions, anchor) || Has(sets.Delegations, anchor);
    }

    public void MarkRecord(string? id) => Mark(sets => sets.Records, id, suspended: false);

    public void MarkSession(string? id) => Mark(sets => sets.Sessions, id, suspended: false);

    public void MarkDelegation(string? id) => Mark(sets => sets.Delegations, id, suspended: false);

    /// <summary>A suspended Session is held back like a revoked one, until it resumes.</summary>
    public void Suspend(string? sessionId) => Mark(sets => sets.Sessions, sessionId, suspended: true);

    /// <summary>Takes back a suspension; a Session that has ended stays ended.</summary>
    public void Resume(string sessionId)
    {
        lock (_turn)
        {
            // A snapshot that was read before this moment still calls the Session suspended.
            _resumed[sessionId] = _time.GetTimestamp();
            if (_sets.Sessions.TryGetValue(sessionId, out var mark) && mark.Suspended)
            {
                _sets.Sessions.TryRemove(sessionId, out _);
            }
        }
    }

    /// <summary>
    /// Replaces the sets by a snapshot whose query started at <paramref name="queryStarted"/>, keeping what was marked
    /// since: a resumed Session disappears, a revocation that the query could not see yet stays.
    /// </summary>
    public void Apply(RevocationAnchors snapshot, long queryStarted)
    {
        lock (_turn)
        {
            var now = _time.GetTimestamp();
            var next = new AnchorSets();
            Fill(next.Records, snapshot.Records, now, suspended: false);
            Fill(next.Delegations, snapshot.Delegations, now, suspended: false);
            Fill(next.Sessions, snapshot.SuspendedSessions.Where(id => !ResumedSince(id, queryStarted)), now, suspended: true);
            Fill(next.Sessions, snapshot.EndedSessions, now, suspended: false);
            Carry(_sets.Records, next.Records, queryStarted - (long)(RecordsOutlast.TotalSeconds * _time.TimestampFrequency));
            Carry(_sets.Sessions, next.Sessions, queryStarted);
            Carry(_sets.Delegations, next.Delegations, queryStarted);
            ForgetResumed(queryStarted);
            _sets = next;
            Volatile.Write(ref _snapshotAt, queryStarted);
            _hasSnapshot = true;
        }

        Marked?.Invoke();
    }

    /// <summary>Drops marks older than 24 hours.</summary>
    public void Prune()
    {
        lock (_turn)
        {
            Prune(_sets.Records);
            Prune(_sets.Sessions);
            Prune(_sets.Delegations);
        }
    }

    private void Mark(Func<AnchorSets, ConcurrentDictionary<string, Anchor>> choose, string? id, bool suspended)
    {
        if (string.IsNullOrEmpty(id))
        {
            return;
        }

        lock (_turn)
        {
            var set = choose(_sets);
            var ended = set.TryGetValue(id, out var known) && !known.Suspended;
            set[id] = new Anchor(_time.GetTimestamp(), suspended && !ended);
            _resumed.TryRemove(id, out _);
        }

        Marked?.Invoke();
    }

    private bool Has(ConcurrentDictionary<string, Anchor> set, string? id) =>
        !string.IsNullOrEmpty(id) && set.TryGetValue(id, out var mark) && _time.GetElapsedTime(mark.At) < MarkLifetime;

    // What was handed on ends with the edge it was handed on from, even when only that one's end has arrived yet.
    private bool HasAny(ConcurrentDictionary<string, Anchor> set, IReadOnlyList<string> ids)
    {
        for (var i = 0; i < ids.Count; i++)
        {
            if (Has(set, ids[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static void Fill(ConcurrentDictionary<string, Anchor> set, IEnumerable<string> ids, long now, bool suspended)
    {
        foreach (var id in ids)
        {
            set[id] = new Anchor(now, suspended);
        }
    }

    private static void Carry(
        ConcurrentDictionary<string, Anchor> from, ConcurrentDictionary<string, Anchor> to, long since)
    {
        foreach (var (id, mark) in from)
        {
            if (mark.At >= since && !(to.TryGetValue(id, out var known) && !known.Suspended))
            {
                to[id] = mark;
            }
        }
    }

    private bool ResumedSince(string id, long moment) => _resumed.TryGetValue(id, out var at) && at >= moment;

    private void ForgetResumed(long before)
    {
        foreach (var (id, at) in _resumed)
        {
            if (at < before)
            {
                _resumed.TryRemove(id, out _);
            }
        }
    }

    private void Prune(ConcurrentDictionary<string, Anchor> set)
    {
        foreach (var (id, mark) in set)
        {
            if (_time.GetElapsedTime(mark.At) >= MarkLifetime)
            {
                set.TryRemove(id, out _);
            }
        }
    }

    private readonly record struct Anchor(long At, bool Suspended);

    private sealed class AnchorSets
    {
        public ConcurrentDictionary<string, Anchor> Records { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<string, Anchor> Sessions { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<string, Anchor> Delegations { get; } = new(StringComparer.Ordinal);

        public bool IsEmpty => Records.IsEmpty && Sessions.IsEmpty && Delegations.IsEmpty;

        // Not ConcurrentDictionary.Count's locks on every scrape of every process: the sets are small, the scrape is rare.
        public int Count => Records.Count + Sessions.Count + Delegations.Count;
    }
}
