using Caracal.Protocol;

namespace Caracal.Sts.TokenExchange;

/// <summary>What a step of the exchange says. The default refuses, so a forgotten answer never mints.</summary>
internal readonly struct Verdict
{
    private readonly Refusal? _refusal;

    private Verdict(bool goesOn, Refusal? refusal, bool isGranted = false)
    {
        GoesOn = goesOn;
        IsGranted = isGranted;
        _refusal = refusal;
    }

    /// <summary>The next step may run.</summary>
    public static Verdict Continue { get; } = new(true, null);

    /// <summary>The mandate is there and no step is left.</summary>
    public static Verdict Granted { get; } = new(false, null, isGranted: true);

    /// <summary>True only for <see cref="Granted"/>.</summary>
    public bool IsGranted { get; }

    /// <summary>True only for <see cref="Continue"/>.</summary>
    public bool GoesOn { get; }

    /// <summary>Why not.</summary>
    public Refusal Refusal => _refusal ?? StsErrors.Internal;

    public static Verdict Refuse(Refusal refusal) => new(false, refusal);

    public static implicit operator Verdict(Refusal refusal) => Refuse(refusal);
}
