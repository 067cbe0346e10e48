using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Caracal.AspNetCore.OpenApi;

/// <summary>Mandates in OpenAPI documents.</summary>
public static class CaracalOpenApi
{
    /// <summary>Describes the scheme <c>Caracal</c>, and the scopes of every endpoint that needs a mandate.</summary>
    public static OpenApiOptions AddCaracal(this OpenApiOptions options) => options
        .AddDocumentTransformer((document, _, _) =>
        {
            document.AddComponent<IOpenApiSecurityScheme>(CaracalDefaults.AuthenticationScheme, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "A mandate of Caracal for this resource (use=resource).",
            });
            return Task.CompletedTask;
        })
        .AddOperationTransformer((operation, context, _) =>
        {
            var mandates = context.Description.ActionDescriptor.EndpointMetadata.OfType<IMandateMetadata>().ToList();
            if (mandates.Count > 0) Describe(operation, context.Document, mandates);
            return Task.CompletedTask;
        });

    private static void Describe(OpenApiOperation operation, OpenApiDocument? document, List<IMandateMetadata> mandates)
    {
        // The group's first: what is nearer to the endpoint replaces it.
        var scopes = mandates.LastOrDefault(mandate => mandate.Scopes.Count > 0)?.Scopes ?? [];
        operation.Security ??= [];
        operation.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(CaracalDefaults.AuthenticationScheme, document)] = [.. scopes] });
        operation.Responses ??= [];
        operation.Responses.TryAdd("401", new OpenApiResponse { Description = "No mandate, or one that is not accepted." });
        operation.Responses.TryAdd("403", new OpenApiResponse { Description = scopes.Count == 0 ? "The mandate does not suffice." : $"The mandate does not suffice; it needs {string.Join(' ', scopes)}." });
    }
}
