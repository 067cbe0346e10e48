using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Caracal.AspNetCore;

/// <summary>What RFC 9728 tells a client about a protected resource.</summary>
/// <param name="Resource">Identifier or URL of the resource.</param>
/// <param name="AuthorizationServers">Issuers whose mandates it accepts.</param>
/// <param name="Scopes">Scopes it knows.</param>
public sealed record ProtectedResource(string Resource, IReadOnlyList<string> AuthorizationServers, IReadOnlyList<string> Scopes)
{
    internal const string WellKnown = "/.well-known/oauth-protected-resource";

    /// <summary>Path of the metadata document; endpoints that carry this record name it in their challenges.</summary>
    internal string Path { get; init; } = WellKnown;
}

/// <summary>Serves RFC 9728 metadata.</summary>
public static class ProtectedResourceEndpoints
{
    /// <summary>Serves the metadata of what is at <paramref name="pattern"/>, to anybody; the record is what protected endpoints carry.</summary>
    public static ProtectedResource MapProtectedResource(this IEndpointRouteBuilder endpoints, string pattern, ProtectedResource resource)
    {
        var path = ProtectedResource.WellKnown + (pattern is "" or "/" ? "" : "/" + pattern.Trim('/'));
        endpoints.MapGet(path, (RequestDelegate)(context => WriteAsync(context, resource)));
        return resource with { Path = path };
    }

    /// <summary>Challenges of this endpoint say where the metadata is.</summary>
    public static TBuilder WithProtectedResource<TBuilder>(this TBuilder builder, ProtectedResource resource)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint => endpoint.Metadata.Add(resource));
        return builder;
    }

    private static async Task WriteAsync(HttpContext context, ProtectedResource resource)
    {
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteString("resource"u8, resource.Resource);
        Write(writer, "authorization_servers", resource.AuthorizationServers);
        Write(writer, "scopes_supported", resource.Scopes);
        Write(writer, "bearer_methods_supported", ["header"]);
        writer.WriteEndObject();
        await writer.FlushAsync(context.RequestAborted);
    }

    private static void Write(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}
