namespace Caracal.Cli.Bench.Load;

/// <summary>The requests that make one call, in order.</summary>
internal abstract class CallScript
{
    /// <summary>Where each request goes.</summary>
    public abstract IReadOnlyList<Uri> Services { get; }

    /// <summary>The request of a step, as it is sent.</summary>
    /// <param name="step">Counted from 0.</param>
    /// <param name="answer">The body that answered the step before.</param>
    public abstract ReadOnlySpan<byte> Request(int step, ReadOnlySpan<byte> answer);
}
