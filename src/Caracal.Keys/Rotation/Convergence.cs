namespace Caracal.Keys.Rotation;

/// <summary>
/// Whether every live reader of a class holds what a step needs: a reader knows a key before any writer uses it
/// (operations.md 4.1, 4.3). What is not met names who is behind.
/// </summary>
public sealed class Convergence(RotatableClass rotated, IReadOnlyList<InstanceKeys> instances, DateTimeOffset now)
{
    /// <summary>How long the value that goes must not have been needed.</summary>
    public static readonly TimeSpan QuietFor = TimeSpan.FromMinutes(10);

    /// <summary>Live instances of the reading services that hold the class at all.</summary>
    public IReadOnlyList<InstanceKeys> Readers { get; } =
        [.. instances.Where(instance => instance.IsLive(now) && rotated.Readers.Contains(instance.Service) && instance.Classes.ContainsKey(rotated.Id))];

    /// <summary>Somebody reads the class, and nobody who reads it has fallen silent.</summary>
    public Gate AllLive()
    {
        var silent = instances.Where(instance => instance.IsSilent(now) && rotated.Readers.Contains(instance.Service)).ToList();
        if (silent.Count > 0) return new Gate("instances_live", false, $"not heard of for {InstanceKeys.LiveFor.TotalSeconds:0} s or more: {Names(silent)}");
        return Readers.Count > 0
            ? new Gate("instances_live", true, $"{Readers.Count} live")
            : new Gate("instances_live", false, $"no live instance holds {rotated.Id}");
    }

    public Gate HoldsNext(string sid) => Each("readers_hold_next", slots => slots.Next == sid || slots.Uses(sid));

    public Gate SignsWith(string sid, string? previous) =>
        Each("readers_on_new_key", slots => slots.Current == sid && (previous is null || slots.Previous.Contains(previous)));

    /// <summary>Everybody verifies what either value signed.</summary>
    public Gate HoldsBoth(string first, string second) => Each("readers_hold_both", slots => slots.Holds(first) && slots.Holds(second));

    public Gate NobodySignsWith(string sid) => Each("nobody_signs_with_old", slots => !slots.Uses(sid));

    /// <summary>The value can be forgotten: nobody who is not gone said that it signs with it.</summary>
    public Gate CanBeForgotten(string sid)
    {
        var signing = instances.Where(instance => (instance.IsLive(now) || instance.IsSilent(now)) && rotated.Readers.Contains(instance.Service)
            && instance.Classes.TryGetValue(rotated.Id, out var slots) && slots.Uses(sid)).ToList();
        return signing.Count == 0
            ? new Gate("nobody_signs_with_new", true, "nobody signs with it")
            : new Gate("nobody_signs_with_new", false, $"{Names(signing)} sign with {sid}: roll back instead, or abort when the old value is current again");
    }

    public Gate NobodyHolds(string sid) => Each("nobody_holds_old", slots => !slots.Holds(sid));

    /// <summary>For ten minutes nothing came that a previous value verified (operations.md 4.5).</summary>
    public Gate PreviousUnused() => Quiet("previous_unused", slots => slots.PreviousUsedAt, "was given a previous value");

    /// <summary>For ten minutes nothing came that no slot verified.</summary>
    public Gate NothingUnmatched() => Quiet("signatures_match", slots => slots.UnmatchedAt, "met a signature that no slot verifies");

    // What one that has ended said last still counts: a restart makes nobody forget who is to be switched yet.
    private Gate Quiet(string id, Func<ReportedSlots, DateTimeOffset?> last, string what)
    {
        var heard = instances.Where(instance => rotated.Readers.Contains(instance.Service) && instance.Classes.ContainsKey(rotated.Id))
            .Select(reader => (reader.Name, At: last(reader.Classes[rotated.Id]), From: reader.Classes[rotated.Id].PreviousUsers))
            .Where(reader => reader.At is { } at && now - at < QuietFor).ToList();
        if (heard.Count == 0) return new Gate(id, true, $"no instance {what} for {QuietFor.TotalMinutes:0} min");
        var latest = heard.Max(reader => reader.At!.Value);
        return new Gate(id, false, $"{string.Join(", ", heard.Select(reader => $"{reader.Name} {what} {(now - reader.At!.Value).TotalSeconds:0} s ago{(reader.From.IsEmpty ? "" : $" by {string.Join(", ", reader.From)}")}"))}", (int)Math.Ceiling((latest + QuietFor - now).TotalSeconds));
    }

    private Gate Each(string id, Func<ReportedSlots, bool> holds)
    {
        var behind = Readers.Where(reader => !holds(reader.Classes[rotated.Id])).ToList();
        if (Readers.Count == 0) return new Gate(id, false, $"no live instance holds {rotated.Id}");
        return behind.Count == 0
            ? new Gate(id, true, $"{Readers.Count}/{Readers.Count} instances")
            : new Gate(id, false, $"{Readers.Count - behind.Count}/{Readers.Count} instances; waiting for {Names(behind)}", 1);
    }

    private static string Names(IEnumerable<InstanceKeys> of) => string.Join(", ", of.Select(instance => instance.Name));
}
