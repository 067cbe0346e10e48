using Caracal.Verifier;
using Microsoft.AspNetCore.Builder;

namespace Caracal.AspNetCore;

/// <summary>Endpoints that need a mandate.</summary>
public static class MandateEndpoints
{
    /// <summary>
    /// Needs a mandate with all of these scopes. Works with <c>UseAuthentication</c> and <c>UseAuthorization</c>; the
    /// handler does not run unless the mandate was accepted.
    /// </summary>
    public static TBuilder RequireMandate<TBuilder>(this TBuilder builder, params string[] scopes)
        where TBuilder : IEndpointConventionBuilder =>
        builder.RequireMandate(new MandateOverrides { RequiredScopes = scopes.Length == 0 ? null : scopes });

    /// <summary>Needs a mandate under the requirements that this route changes.</summary>
    public static TBuilder RequireMandate<TBuilder>(this TBuilder builder, MandateOverrides overrides)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint => endpoint.Metadata.Add(new MandateRequirementMetadata(overrides)));
        return builder;
    }
}
