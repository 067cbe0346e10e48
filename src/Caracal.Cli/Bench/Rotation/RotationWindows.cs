using System.Diagnostics;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>
/// When each class was rotated and when nothing was, in Stopwatch ticks. A call counts as during a rotation when it began in it
/// or in the moment before, so that it was likely under way at its begin. Only beginnings decide: whoever asks which calls were
/// under way finds the long ones more often than the short, whatever made them long.
/// </summary>
internal sealed class RotationWindows
{
    private static readonly long Moment = Stopwatch.Frequency / 100;

    private readonly List<Row> rows = [];

    public bool IsEmpty => rows.Count == 0;

    /// <summary>A class's rotations of one pass, one after the other, between the calm before and the calm after.</summary>
    /// <param name="name">The class.</param>
    /// <param name="before">The calm that ended with the first rotation.</param>
    /// <param name="rotations">From the begin of the first to the end of the last.</param>
    /// <param name="count">How many there were.</param>
    /// <param name="after">The calm that began with the end of the last.</param>
    public void Add(string name, (long From, long To) before, (long From, long To) rotations, int count, (long From, long To) after)
    {
        var row = rows.Find(known => known.Name == name);
        if (row is null) rows.Add(row = new Row(name));
        row.Before.Add(before);
        row.During.Add(rotations);
        row.Rotations += count;
        row.After.Add(after);
    }

    /// <summary>The figures of each class, in the order in which they were rotated first.</summary>
    public IReadOnlyList<ClassFigures> Judge(IReadOnlyCollection<LoadedCall> calls) => [.. rows.Select(row => row.Judge(calls))];

    private sealed record Row(string Name)
    {
        public int Rotations { get; set; }

        public List<(long From, long To)> Before { get; } = [];

        public List<(long From, long To)> During { get; } = [];

        public List<(long From, long To)> After { get; } = [];

        public ClassFigures Judge(IReadOnlyCollection<LoadedCall> calls)
        {
            var during = Begun([.. During.Select(window => (window.From - Moment, window.To))], calls);
            var before = Begun([.. Before.Select(window => (window.From, window.To - Moment))], calls);
            var after = Begun(After, calls);
            return new ClassFigures(
                Name, Rotations, During.Sum(window => window.To - window.From) / (double)Stopwatch.Frequency,
                Sorted(before), Sorted(during), Sorted(after), during.Concat(after).Count(call => call.Failure is not null));
        }

        private static List<LoadedCall> Begun(IReadOnlyList<(long From, long To)> windows, IReadOnlyCollection<LoadedCall> calls) =>
            [.. calls.Where(call => windows.Any(window => call.Started >= window.From && call.Started < window.To))];

        private static long[] Sorted(IEnumerable<LoadedCall> calls) => [.. calls.Where(call => call.Failure is null).Select(call => call.Ticks).Order()];
    }
}
