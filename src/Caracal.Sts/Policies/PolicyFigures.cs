namespace Caracal.Sts.Policies;

/// <summary>Counts of the policy engine, for metrics (sts.md 14).</summary>
internal sealed class PolicyFigures
{
    private long _evaluations;
    private long _evaluationErrors;
    private long _evaluationTicks;
    private long _compilations;
    private long _compilationErrors;
    private long _compilationTicks;

    public long Evaluations => Interlocked.Read(ref _evaluations);
    public long EvaluationErrors => Interlocked.Read(ref _evaluationErrors);
    public TimeSpan EvaluationTime => new(Interlocked.Read(ref _evaluationTicks));
    public long Compilations => Interlocked.Read(ref _compilations);
    public long CompilationErrors => Interlocked.Read(ref _compilationErrors);
    public TimeSpan CompilationTime => new(Interlocked.Read(ref _compilationTicks));

    public void Evaluated(TimeSpan took, bool failed)
    {
        Interlocked.Increment(ref _evaluations);
        Interlocked.Add(ref _evaluationTicks, took.Ticks);
        if (failed)
        {
            Interlocked.Increment(ref _evaluationErrors);
        }
    }

    public void Compiled(TimeSpan took, bool failed)
    {
        Interlocked.Increment(ref _compilations);
        Interlocked.Add(ref _compilationTicks, took.Ticks);
        if (failed)
        {
            Interlocked.Increment(ref _compilationErrors);
        }
    }
}
