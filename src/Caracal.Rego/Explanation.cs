using Caracal.Rego.Evaluation;

namespace Caracal.Rego;

/// <summary>
/// Which rules an evaluation tried, in the order they ended. A caller that explains every evaluation keeps one and hands it
/// in again, so that explaining leaves no garbage. Rules that are the same in every evaluation are not tried and not told of.
/// </summary>
public sealed class Explanation
{
    private const int MostRules = 10_000;
    private const int KeptRules = 256;

    private TraceEntry[] _entries = new TraceEntry[32];

    /// <summary>How many definitions of rules were tried.</summary>
    public int Count { get; private set; }

    /// <summary>Describes one of them.</summary>
    public RuleTrace this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            var t = _entries[index];
            return new(t.Group.Name, t.Clause.Place.File, t.Clause.Place.Line, t.Held, t.Failed?.File, t.Failed?.Line ?? 0, t.Failed?.Column ?? 0);
        }
    }

    /// <summary>Forgets everything; an evaluation does so when it begins.</summary>
    public void Clear()
    {
        if (_entries.Length > KeptRules) _entries = new TraceEntry[32];
        else Array.Clear(_entries, 0, Count);
        Count = 0;
    }

    internal void Add(in TraceEntry entry)
    {
        if (Count == MostRules) return;
        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        _entries[Count++] = entry;
    }
}

/// <summary>One definition of a rule that was tried: whether it held, and if not, the furthest condition it failed at.</summary>
public sealed record RuleTrace(string Rule, string File, int Line, bool Held, string? FailedFile, int FailedLine, int FailedColumn);
