using Caracal.Gateway.Pipeline;

namespace Caracal.Gateway.Admission;

/// <summary>Step 2: an <c>Authorization</c> header that begins with <c>Bearer </c> and goes on.</summary>
internal sealed class FindBearer : IGatewayStep
{
    private const string Scheme = "Bearer ";

    public ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var values = call.Http.Request.Headers.Authorization;
        if (values.Count > 1)
        {
            // Whoever stands before us may have looked at another of them.
            return new(Verdict.Refuse(GatewayErrors.BearerMalformed, GatewayCounter.DenialsBadBearer));
        }

        var header = values.Count == 0 ? null : values[0];
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return new(Verdict.Refuse(GatewayErrors.BearerMissing, GatewayCounter.DenialsMissingAuth));
        }

        call.Bearer = header.AsMemory(Scheme.Length).Trim();
        return new(
            call.Bearer.Length > 0
                ? Verdict.Pass
                : Verdict.Refuse(GatewayErrors.BearerMissing, GatewayCounter.DenialsMissingAuth));
    }
}
