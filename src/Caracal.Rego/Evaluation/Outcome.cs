namespace Caracal.Rego.Evaluation;

/// <summary>What running an operation, or the rest of a body behind it, came to.</summary>
internal enum Outcome : byte
{
    /// <summary>The operation holds: go on with the next one.</summary>
    Next,

    /// <summary>No (further) solution on this branch.</summary>
    Done,

    /// <summary>Enough is known: every loop around ends.</summary>
    Stop,
}

/// <summary>An evaluation cannot go on.</summary>
internal sealed class EvalException(string code, string message, SourcePlace place) : Exception(message)
{
    public string Code { get; } = code;

    public SourcePlace Place { get; } = place;
}

/// <summary>A place in a module.</summary>
internal sealed record SourcePlace(string File, int Line, int Column)
{
    public static SourcePlace None { get; } = new("", 0, 0);
}

/// <summary>Marks a cached outcome that is undefined.</summary>
internal sealed class UndefinedMark : RegoValue
{
    public static UndefinedMark Instance { get; } = new();

    public override RegoKind Kind => throw new InvalidOperationException("undefined is not a value");

    public override bool Equals(RegoValue? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => 0;
}
