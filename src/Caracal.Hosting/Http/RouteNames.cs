using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Caracal.Hosting.Http;

/// <summary>The template of the route that a request took, such as <c>/v1/zones/{zoneId}</c>: what spans and metrics call it.</summary>
public static class RouteNames
{
    private static readonly object Key = new();

    /// <summary>Tells it, for services that find their routes themselves.</summary>
    public static void TakeRoute(this HttpContext context, string template) => context.Items[Key] = template;

    /// <summary>Null when no route was found, and at the Gateway, where the paths are the upstreams'.</summary>
    public static string? TakenRoute(this HttpContext context) =>
        context.GetEndpoint() is RouteEndpoint endpoint ? endpoint.RoutePattern.RawText : (string?)context.Items[Key];
}
