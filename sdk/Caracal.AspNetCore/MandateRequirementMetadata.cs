using Caracal.Verifier;
using Microsoft.AspNetCore.Authorization;

namespace Caracal.AspNetCore;

/// <summary>On an endpoint: it needs a mandate, and what this route changes of the server's requirements.</summary>
internal sealed class MandateRequirementMetadata(MandateOverrides overrides) : IAuthorizeData, IMandateMetadata
{
    public MandateOverrides Overrides { get; } = overrides;

    public IReadOnlyList<string> Scopes => Overrides.RequiredScopes ?? [];

    public string? Policy { get; set; }

    public string? Roles { get; set; }

    public string? AuthenticationSchemes { get; set; } = CaracalDefaults.AuthenticationScheme;
}
