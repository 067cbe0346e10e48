using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Caracal.AspNetCore;

/// <summary>Everything a resource server needs, in one line.</summary>
public static class CaracalSetup
{
    /// <summary>
    /// Verifier, scheme and authorization for this resource, with issuer and zone from <c>CARACAL_STS_URL</c> and
    /// <c>CARACAL_ZONE_ID</c>, and a health check. Endpoints then say <c>RequireMandate</c>.
    /// </summary>
    /// <param name="services">The application's.</param>
    /// <param name="audience">This server's resource id.</param>
    /// <param name="revocations">Where revocations are known; null keeps them in this process.</param>
    public static IServiceCollection AddCaracal(this IServiceCollection services, string audience, IRevocationStore? revocations = null) =>
        services.AddCaracal(_ => MandateVerifierOptions.FromEnvironment(audience, revocations ?? new InMemoryRevocationStore()));

    /// <summary>Verifier, scheme, authorization and health check, with these options.</summary>
    public static IServiceCollection AddCaracal(this IServiceCollection services, Func<IServiceProvider, MandateVerifierOptions> options)
    {
        services.AddCaracalVerifier(options);
        services.AddAuthentication(CaracalDefaults.AuthenticationScheme).AddCaracalMandates();
        services.AddAuthorization();
        services.AddHealthChecks().AddCaracal();
        return services;
    }

    /// <summary>Unhealthy while the zone's keys cannot be had: then every mandate is refused.</summary>
    public static IHealthChecksBuilder AddCaracal(this IHealthChecksBuilder builder, string name = "caracal") =>
        builder.AddCheck<VerifierHealthCheck>(name);
}

/// <summary>Whether mandates can be judged now.</summary>
internal sealed class VerifierHealthCheck(MandateVerifier verifier) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await verifier.WarmupAsync(cancellationToken)
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, "the keys of the zone cannot be fetched");
}

/// <summary>On a controller, an action, a hub or a gRPC service: it needs a mandate with all of these scopes.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class RequireMandateAttribute(params string[] scopes) : Attribute, IAuthorizeData, IMandateMetadata
{
    /// <summary>All of them are needed; none leaves those of the controller or group, or asks for a mandate only. They replace those, they do not add to them.</summary>
    public IReadOnlyList<string> Scopes { get; } = scopes;

    /// <summary>True accepts only mandates of a governed Session.</summary>
    public bool RequireSession { get; set; }

    /// <summary>True accepts only delegated mandates.</summary>
    public bool RequireDelegation { get; set; }

    /// <inheritdoc />
    public string? Policy { get; set; }

    /// <inheritdoc />
    public string? Roles { get; set; }

    /// <inheritdoc />
    public string? AuthenticationSchemes { get; set; } = CaracalDefaults.AuthenticationScheme;

    internal MandateOverrides Overrides => new()
    {
        RequiredScopes = Scopes.Count == 0 ? null : Scopes,
        RequireSession = RequireSession ? true : null,
        RequireDelegation = RequireDelegation ? true : null,
    };
}
