using Caracal.Protocol;

namespace Caracal.Gateway.Pipeline;

/// <summary>What a step decided. The default refuses.</summary>
internal readonly struct Verdict
{
    private readonly Refusal? _refusal;

    private Verdict(bool passes, Refusal? refusal, GatewayCounter counter, string? errorKind)
    {
        Passes = passes;
        _refusal = refusal;
        Counter = counter;
        ErrorKind = errorKind;
    }

    /// <summary>The next step may look.</summary>
    public static Verdict Pass { get; } = new(passes: true, null, GatewayCounter.None, null);

    /// <summary>True only when a step said so.</summary>
    public bool Passes { get; }

    /// <summary>What the caller sees when the step does not pass.</summary>
    public Refusal Refusal => _refusal ?? GatewayErrors.Unexpected;

    /// <summary>Counted for this refusal; before the exchange besides <c>requests_denied</c>.</summary>
    public GatewayCounter Counter { get; }

    /// <summary><c>error_kind</c> of the audit event, for steps after the exchange.</summary>
    public string? ErrorKind { get; }

    /// <summary>A refusal before the exchange has succeeded.</summary>
    public static Verdict Refuse(Refusal refusal, GatewayCounter counter) => new(passes: false, refusal, counter, null);

    /// <summary>A failure after the exchange: audited, counted as <c>upstream_errors</c> unless it is our own refusal.</summary>
    public static Verdict Fail(Refusal refusal, string errorKind, GatewayCounter counter = GatewayCounter.UpstreamErrors) =>
        new(passes: false, refusal, counter, errorKind);
}
