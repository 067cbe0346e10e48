using Caracal.Rego.Evaluation;

namespace Caracal.Rego;

/// <summary>A line with a rule or a statement, and whether an evaluation reached it.</summary>
public readonly record struct RegoLine(string File, int Line, bool Reached);

/// <summary>
/// The lines that evaluations of one policy reach. Given to <see cref="RegoCompilerOptions.Coverage"/>, it learns the lines when
/// the policy is compiled; a rule's first line counts as reached once its body holds, a statement's once it is tried.
/// </summary>
public sealed class RegoCoverage
{
    private readonly Dictionary<(string File, int Line), LineProbe> _probes = [];

    /// <summary>Every line there is, by file and number.</summary>
    public IReadOnlyList<RegoLine> Lines =>
        [.. _probes.OrderBy(p => p.Key.File, StringComparer.Ordinal).ThenBy(p => p.Key.Line).Select(p => new RegoLine(p.Key.File, p.Key.Line, p.Value.Reached))];

    internal Op Probe(SourcePlace place)
    {
        var line = (place.File, place.Line);
        if (!_probes.TryGetValue(line, out var probe)) _probes[line] = probe = new LineProbe(place);
        return probe;
    }

    /// <summary>A step that always holds and remembers that it ran.</summary>
    private sealed class LineProbe(SourcePlace place) : Op(place)
    {
        public bool Reached { get; private set; }

        public override Outcome Run(EvalContext ctx, Span<RegoValue?> r, Plan plan, int next)
        {
            Reached = true;
            return Outcome.Next;
        }
    }
}
