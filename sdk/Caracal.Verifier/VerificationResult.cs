using System.Diagnostics.CodeAnalysis;

namespace Caracal.Verifier;

/// <summary>What became of a mandate. The default is not accepted.</summary>
public readonly struct VerificationResult
{
    private readonly VerificationFailure? _failure;

    private VerificationResult(MandatePrincipal? principal, VerificationFailure? failure)
    {
        Principal = principal;
        _failure = failure;
    }

    /// <summary>Set only when the mandate was accepted.</summary>
    public MandatePrincipal? Principal { get; }

    /// <summary>Set whenever it was not.</summary>
    public VerificationFailure? Failure => Principal is null ? _failure ?? Failures.InvalidToken : null;

    /// <summary>True when the mandate was accepted.</summary>
    public bool IsAccepted([NotNullWhen(true)] out MandatePrincipal? principal)
    {
        principal = Principal;
        return principal is not null;
    }

    internal static VerificationResult Accept(MandatePrincipal principal) => new(principal, null);

    internal static VerificationResult Refuse(VerificationFailure failure) => new(null, failure);
}
