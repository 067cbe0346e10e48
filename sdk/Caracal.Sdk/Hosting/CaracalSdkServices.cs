using Caracal.Sdk;
using Caracal.Sdk.Transport;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>How an application registers its client and its governed HTTP clients.</summary>
public static class CaracalSdkServices
{
    /// <summary>One <see cref="CaracalClient"/>, made of the environment or the profile on first use.</summary>
    public static IServiceCollection AddCaracalClient(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => CaracalClient.Create());
        return services;
    }

    /// <summary>One <see cref="CaracalClient"/>, made of these options.</summary>
    public static IServiceCollection AddCaracalClient(this IServiceCollection services, Func<IServiceProvider, CaracalOptions> options)
    {
        services.TryAddSingleton(provider => CaracalClient.FromOptions(options(provider)));
        return services;
    }

    /// <summary>Requests of this client are those of the bound Session; paths are below the resource's upstream.</summary>
    public static IHttpClientBuilder AddCaracalSession(this IHttpClientBuilder builder, string resource, params string[] scopes) =>
        builder.Governed(client => client.SessionHandler(new TransportOptions { Resource = resource, Scopes = scopes }));

    /// <summary>Requests of this client are the application's own; paths are below the resource's upstream.</summary>
    public static IHttpClientBuilder AddCaracalApplication(this IHttpClientBuilder builder, string resource, params string[] scopes) =>
        builder.Governed(client => client.ApplicationHandler(resource, new ApplicationTransportOptions { Scopes = scopes }, inner: null));

    private static IHttpClientBuilder Governed(this IHttpClientBuilder builder, Func<CaracalClient, DelegatingHandler> handler) => builder
        .ConfigureHttpClient((provider, http) => http.BaseAddress ??= GatewayOf(provider))
        .ConfigurePrimaryHttpMessageHandler(NoRedirects.New)
        .AddHttpMessageHandler(provider => handler(provider.GetRequiredService<CaracalClient>()));

    private static Uri GatewayOf(IServiceProvider provider) =>
        new(provider.GetRequiredService<CaracalClient>().Options.GatewayUrl.TrimEnd('/') + "/");
}
