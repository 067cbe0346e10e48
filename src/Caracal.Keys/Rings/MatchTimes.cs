using System.Collections.Concurrent;
using System.Net;

namespace Caracal.Keys.Rings;

/// <summary>
/// When slots last matched, as seen by whoever asks for the counts now and then: the way of a verification stays free of
/// clocks, and a time is late by the pause between two looks at most.
/// </summary>
internal sealed class MatchTimes(TimeProvider time)
{
    private readonly ConcurrentDictionary<(string ClassId, KeySlot Slot), (long Count, DateTimeOffset? At)> last = new();

    /// <summary>For so long it is told who came with a previous value; a gate asks for no more (operations.md 4.5).</summary>
    private static readonly TimeSpan UsersFor = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(string ClassId, IPAddress From), DateTimeOffset> users = new();

    /// <summary>From where a previous value came in the last ten minutes.</summary>
    public IReadOnlyList<IPAddress> UsersOf(string classId, SlotMatches? matches)
    {
        if (matches is null) return [];
        var now = time.GetUtcNow();
        foreach (var address in matches.PreviousUsers.Take()) users[(classId, address)] = now;
        foreach (var (user, at) in users)
        {
            if (now - at > UsersFor) users.TryRemove(user, out _);
        }

        return [.. users.Where(user => user.Key.ClassId == classId).OrderByDescending(user => user.Value).Take(PreviousUsers.Most).Select(user => user.Key.From)];
    }

    /// <summary>How long ago the slot's count was first seen as it is; null while it is zero.</summary>
    public TimeSpan? Since(string classId, KeySlot slot, SlotMatches? matches)
    {
        var count = matches?.Of(slot) ?? 0;
        var seen = last.AddOrUpdate((classId, slot), _ => Look(0), (_, before) => before.Count >= count ? before : Look(before.Count));
        return seen.At is { } at ? time.GetUtcNow() - at : null;

        (long, DateTimeOffset?) Look(long before) => (count, count > before ? time.GetUtcNow() : null);
    }
}
