namespace Caracal.Hosting.Health;

/// <summary>One question on the way to being ready.</summary>
/// <param name="Reason">What holds when the question ends in a fault or has no answer in time; null where that is no reason of its own.</param>
/// <param name="AskAsync">Answers null when all is well, and the reason when it is not.</param>
public sealed record ReadinessProbe(string? Reason, Func<CancellationToken, Task<string?>> AskAsync)
{
    /// <summary>A dependency that is well when it answers.</summary>
    public static ReadinessProbe Answers(string reason, Func<CancellationToken, Task> ask) => new(reason, async budget =>
    {
        await ask(budget);
        return null;
    });

    /// <summary>Something this process knows itself.</summary>
    public static ReadinessProbe Holds(string reason, Func<bool> holds) => new(reason, _ => Task.FromResult(holds() ? null : reason));
}
