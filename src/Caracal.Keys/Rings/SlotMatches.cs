namespace Caracal.Keys.Rings;

/// <summary>How often each slot of a ring verified or opened something, and how often none did (operations.md 4.1).</summary>
public sealed class SlotMatches
{
    private readonly long[] counts = new long[(int)KeySlot.Archive + 1];

    /// <summary>Who came with a previous value, where an address is known.</summary>
    public PreviousUsers PreviousUsers { get; } = new();

    public void Add(KeySlot slot) => Interlocked.Increment(ref counts[(int)slot]);

    public long Of(KeySlot slot) => Interlocked.Read(ref counts[(int)slot]);
}
