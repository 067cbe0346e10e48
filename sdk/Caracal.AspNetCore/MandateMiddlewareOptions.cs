using Caracal.Verifier;

namespace Caracal.AspNetCore;

/// <summary>Which paths <c>UseCaracalMandates</c> verifies, and how strictly.</summary>
public sealed class MandateMiddlewareOptions
{
    /// <summary>Path prefixes that are not verified, matched at segment boundaries: <c>/a</c> means <c>/a</c> and <c>/a/b</c>, not <c>/ab</c>.</summary>
    public IList<string> Exclude { get; } = [];

    /// <summary>What a path prefix changes; of several that match the longest wins.</summary>
    public IDictionary<string, MandateOverrides> Overrides { get; } = new Dictionary<string, MandateOverrides>(StringComparer.Ordinal);
}
