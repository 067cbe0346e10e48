using System.Collections.Concurrent;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>A ring that was swapped, or one whose new content was refused and that keeps what it held.</summary>
/// <param name="ClassId">Class id of <see cref="KeyClass"/>.</param>
/// <param name="Slots">What the ring holds now.</param>
/// <param name="Rejection">Why the new content was refused, naming variables and never values; null when it was taken.</param>
public sealed record RingChange(string ClassId, RingSlots Slots, string? Rejection);

/// <summary>Reads the secrets of one role again and swaps the rings whose slots have changed (operations.md 4.2).</summary>
/// <remarks>
/// All slots of a class change together or not at all. A promotion writes several files; whoever reads between two of them
/// sees a value in two slots, which is refused like any other wrong content, and the next round reads the finished folder.
/// </remarks>
public sealed class RingReload
{
    private readonly SecretSource source;
    private readonly TimeProvider time;
    private readonly DateTimeOffset started;
    private readonly MatchTimes matched;
    private readonly Dictionary<string, string> _rejected = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _loaded = new(StringComparer.Ordinal);

    /// <param name="source">The role's secrets, all of its rings read.</param>
    /// <param name="time">Tells when a ring was loaded; null for the machine's clock.</param>
    public RingReload(SecretSource source, TimeProvider? time = null)
    {
        this.source = source;
        this.time = time ?? TimeProvider.System;
        started = this.time.GetUtcNow();
        matched = new MatchTimes(this.time);
        foreach (var ring in source.Rings)
        {
            if (ring.Entry is { } entry) entry.Moved = () => Moved?.Invoke();
        }
    }

    /// <summary>Called when a ring that was swapped a while ago is in use.</summary>
    public Action? Moved { get; set; }

    /// <summary>What every ring holds now, each class once. May be asked while a round runs.</summary>
    public IReadOnlyList<HeldRing> Held => [.. source.Rings.DistinctBy(ring => ring.ClassId).Select(Hold)];

    /// <summary>Which slots of each ring matched so far; a class that is read twice is told of once.</summary>
    public IEnumerable<(string ClassId, SlotMatches Matches)> Matches =>
        source.Rings.Where(ring => ring.Matches is not null).DistinctBy(ring => ring.ClassId).Select(ring => (ring.ClassId, ring.Matches!));

    /// <summary>The folders whose files a reload reads.</summary>
    public IReadOnlyCollection<string> Folders =>
        [.. source.WatchedPaths.Select(path => Path.GetDirectoryName(Path.GetFullPath(path))!).Distinct(StringComparer.Ordinal)];

    /// <summary>One round; a refusal is told once for as long as its reason stays the same. Not to be called concurrently.</summary>
    public IReadOnlyList<RingChange> Run()
    {
        var fresh = source.Again();
        var changes = new List<RingChange>();
        var wanted = new List<(LoadedRing Ring, RingReplacement Replacement)>();
        foreach (var ring in source.Rings)
        {
            var before = fresh.Problems.Count;
            var replacement = ring.Read(fresh);
            if (replacement is null || fresh.Problems.Count > before) Reject(ring, fresh.Problems.Skip(before), changes);
            else if (replacement.Slots.SameAs(ring.Slots()) && !replacement.IsOther) _rejected.Remove(ring.ClassId);
            else wanted.Add((ring, replacement));
        }

        // A value that stands in two classes makes neither trustworthy: nothing is taken from that folder.
        var read = fresh.Problems.Count;
        fresh.CheckDistinct();
        var shared = fresh.Problems.Skip(read).ToList();
        foreach (var (ring, replacement) in wanted)
        {
            if (shared.Count > 0)
            {
                Reject(ring, shared, changes);
                continue;
            }

            replacement.Apply();
            _loaded[ring.ClassId] = time.GetUtcNow();
            _rejected.Remove(ring.ClassId);
            changes.Add(new RingChange(ring.ClassId, ring.Slots(), null));
        }

        return changes;
    }

    private HeldRing Hold(LoadedRing ring)
    {
        var (slots, entering) = ring.Entry?.Entered ?? (ring.Slots(), []);
        return new HeldRing(ring.ClassId, slots, ring.Source, _loaded.GetValueOrDefault(ring.ClassId, started))
        {
            Entering = entering,
            PreviousUsers = matched.UsersOf(ring.ClassId, ring.Matches),
            PreviousUsed = matched.Since(ring.ClassId, KeySlot.Previous, ring.Matches),
            Unmatched = matched.Since(ring.ClassId, KeySlot.None, ring.Matches),
        };
    }

    private void Reject(LoadedRing ring, IEnumerable<string> problems, List<RingChange> changes)
    {
        var reason = string.Join("; ", problems);
        if (_rejected.TryGetValue(ring.ClassId, out var told) && told == reason) return;
        _rejected[ring.ClassId] = reason;
        changes.Add(new RingChange(ring.ClassId, ring.Slots(), reason));
    }
}

/// <summary>A ring in use and how it is read again.</summary>
internal sealed record LoadedRing(string ClassId, string Source, Func<RingSlots> Slots, Func<SecretSource, RingReplacement?> Read)
{
    /// <summary>Null for what verifies nothing.</summary>
    public SlotMatches? Matches { get; init; }

    /// <summary>Null for what is in use as soon as it is read.</summary>
    public CredentialRing? Entry { get; init; }
}

/// <summary>New slots for a ring, not in use yet.</summary>
internal sealed record RingReplacement(RingSlots Slots, Action Apply)
{
    /// <summary>The value is another one although the ids are the same: somebody changed it by hand.</summary>
    public bool IsOther { get; init; }
}
