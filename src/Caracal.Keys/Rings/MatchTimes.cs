using System.Collections.Concurrent;

namespace Caracal.Keys.Rings;

/// <summary>
/// When slots last matched, as seen by whoever asks for the counts now and then: the way of a verification stays free of
/// clocks, and a time is late by the pause between two looks at most.
/// </summary>
internal sealed class MatchTimes(TimeProvider time)
{
    private readonly ConcurrentDictionary<(string ClassId, KeySlot Slot), (long Count, DateTimeOffset? At)> last = new();

    /// <summary>How long ago the slot's count was first seen as it is; null while it is zero.</summary>
    public TimeSpan? Since(string classId, KeySlot slot, SlotMatches? matches)
    {
        var count = matches?.Of(slot) ?? 0;
        var seen = last.AddOrUpdate((classId, slot), _ => Look(0), (_, before) => before.Count >= count ? before : Look(before.Count));
        return seen.At is { } at ? time.GetUtcNow() - at : null;

        (long, DateTimeOffset?) Look(long before) => (count, count > before ? time.GetUtcNow() : null);
    }
}
