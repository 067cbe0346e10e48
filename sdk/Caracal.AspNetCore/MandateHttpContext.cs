using Caracal.Verifier;
using Microsoft.AspNetCore.Http;

namespace Caracal.AspNetCore;

/// <summary>What handlers ask about the request's authority.</summary>
public static class MandateHttpContext
{
    /// <summary>The verified principal; null when this request was not verified.</summary>
    public static MandatePrincipal? GetMandate(this HttpContext context) => context.Features.Get<IMandateFeature>()?.Principal;
}
