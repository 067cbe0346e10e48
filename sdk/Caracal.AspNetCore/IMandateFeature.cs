using Caracal.Protocol.Context;
using Caracal.Verifier;

namespace Caracal.AspNetCore;

/// <summary>The verified authority of a request, in <c>HttpContext.Features</c>.</summary>
public interface IMandateFeature
{
    MandatePrincipal Principal { get; }

    /// <summary>Trace and foreign baggage of the request; ids and hop are the mandate's, never the headers' (gateway.md Part C).</summary>
    ContextEnvelope Context { get; }
}

internal sealed record MandateFeature(MandatePrincipal Principal, ContextEnvelope Context) : IMandateFeature;
