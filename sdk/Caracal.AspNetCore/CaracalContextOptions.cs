using Caracal.Verifier;

namespace Caracal.AspNetCore;

/// <summary>Whose context <c>UseCaracalContext</c> binds to a request. Without any of these, the registered verifier decides.</summary>
public sealed class CaracalContextOptions
{
    /// <summary>Judges the caller's token; null refuses it. Not asked when the request was verified before.</summary>
    public Func<string, CancellationToken, ValueTask<MandatePrincipal?>>? Verify { get; set; }

    /// <summary>
    /// True binds a token that nobody here verifies, with the ids that the request's baggage claims: only behind something
    /// that has verified it, for example for code that just passes calls on to the Gateway.
    /// </summary>
    public bool TrustedPropagation { get; set; }

    /// <summary>True lets requests without a token run as this application; ids of the caller are dropped. Needs a registered <c>CaracalClient</c>.</summary>
    public bool AsApplication { get; set; }

    /// <summary>Path prefixes that are left alone, matched at segment boundaries.</summary>
    public IList<string> Exclude { get; } = [];
}
