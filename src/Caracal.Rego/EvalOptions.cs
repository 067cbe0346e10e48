using Caracal.Rego.Evaluation;

namespace Caracal.Rego;

/// <summary>The bounds and the circumstances of one evaluation.</summary>
public sealed record EvalOptions
{
    /// <summary>The longest an evaluation may take; the policy's limit when absent.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Ends the evaluation early.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>How many steps an evaluation may take; the policy's limit when absent.</summary>
    public long? StepLimit { get; init; }

    /// <summary>How many bytes of values an evaluation may build, estimated; the policy's limit when absent.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Whether a failing builtin ends the evaluation instead of making its expression undefined.</summary>
    public bool StrictBuiltinErrors { get; init; }

    /// <summary>The time policies see; without it <c>time.now_ns</c> fails.</summary>
    public DateTimeOffset? Now { get; init; }

    /// <summary>The seed of the random builtins; without it they are seeded with zero.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Whether the result tells which rules held and where the others first failed.</summary>
    public bool Explain { get; init; }
}

/// <summary>What an evaluation gave: a value, several solutions, nothing, or an error.</summary>
public sealed class EvalResult
{
    private RuleTrace[]? _rules;

    internal EvalResult(
        RegoValue? value, IReadOnlyList<IReadOnlyDictionary<string, RegoValue>> bindings, bool isDefined, RegoError? error)
    {
        Value = value;
        Bindings = bindings;
        IsDefined = isDefined;
        Error = error;
    }

    /// <summary>Whether the query has a solution.</summary>
    public bool IsDefined { get; }

    /// <summary>The value of a query that is one expression; null when undefined or failed.</summary>
    public RegoValue? Value { get; }

    /// <summary>The solutions of a query with variables: each maps the variables to their values.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, RegoValue>> Bindings { get; }

    /// <summary>Why the evaluation failed; null when it did not.</summary>
    public RegoError? Error { get; }

    /// <summary>How many builtin errors made an expression undefined.</summary>
    public int SuppressedErrors { get; internal init; }

    /// <summary>The first builtin error that made an expression undefined.</summary>
    public RegoError? FirstSuppressedError { get; internal init; }

    /// <summary>How many steps the evaluation took.</summary>
    public long Steps { get; internal init; }

    /// <summary>Which rules were tried, when asked for with <see cref="EvalOptions.Explain"/>.</summary>
    public IReadOnlyList<RuleTrace> Rules => _rules ??= Explanation is { } e ? [.. Enumerable.Range(0, e.Count).Select(i => e[i])] : [];

    internal Explanation? Explanation { get; init; }
}
