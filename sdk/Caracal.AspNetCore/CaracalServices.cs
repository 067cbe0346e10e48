using Caracal.Sdk;
using Caracal.Verifier;
using Caracal.Verifier.Redis;
using Caracal.Verifier.Revocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Caracal.AspNetCore;

/// <summary>How an application asks for all this.</summary>
public static class CaracalServices
{
    /// <summary>The verifier, made once; options that cannot be used stop the start.</summary>
    public static IServiceCollection AddCaracalVerifier(this IServiceCollection services, MandateVerifierOptions options) =>
        services.AddCaracalVerifier(_ => options);

    /// <summary>The verifier, with options that need other services.</summary>
    public static IServiceCollection AddCaracalVerifier(this IServiceCollection services, Func<IServiceProvider, MandateVerifierOptions> options)
    {
        services.TryAddSingleton(provider => new MandateVerifier(options(provider)));
        services.AddHostedService<VerifierWarmup>();
        return services;
    }

    /// <summary>Keeps the verifier's store up to date from the revocation streams, through a Redis connection of its own.</summary>
    public static IServiceCollection AddCaracalRevocationStream(
        this IServiceCollection services, IRevocationStore store, string redisUrl, RevocationStreamOptions options)
    {
        // Longer than the wait: a poll that waits is not one that hangs.
        var reading = options with { Wait = options.Wait > TimeSpan.Zero ? options.Wait : TimeSpan.FromSeconds(1) };
        services.AddHostedService(_ => new RevocationStreamService(
            new RedisClient(redisUrl, reading.Wait + RedisClient.CommandTimeout), store, reading));
        return services;
    }

    /// <summary>The scheme <c>Caracal</c>, for <c>UseAuthentication</c> and <c>RequireMandate</c>.</summary>
    public static AuthenticationBuilder AddCaracalMandates(this AuthenticationBuilder builder) =>
        builder.AddScheme<AuthenticationSchemeOptions, MandateAuthenticationHandler>(CaracalDefaults.AuthenticationScheme, null);

    /// <summary>Verifies every request from here on, except excluded paths.</summary>
    public static IApplicationBuilder UseCaracalMandates(this IApplicationBuilder application, Action<MandateMiddlewareOptions>? configure = null)
    {
        var options = new MandateMiddlewareOptions();
        configure?.Invoke(options);
        return application.UseMiddleware<MandateMiddleware>(options);
    }

    /// <summary>
    /// Binds the caller's context to every request from here on: <c>CaracalContext.Current</c> is who calls, and what the
    /// request causes is done with the caller's token. A request without an accepted one gets 401.
    /// </summary>
    public static IApplicationBuilder UseCaracalContext(this IApplicationBuilder application, Action<CaracalContextOptions>? configure = null)
    {
        var options = new CaracalContextOptions();
        configure?.Invoke(options);
        if (options.AsApplication || options.TrustedPropagation) _ = application.ApplicationServices.GetRequiredService<CaracalClient>(); // missing, it stops the start
        return application.UseMiddleware<ContextMiddleware>(options);
    }
}
