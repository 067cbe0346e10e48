using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.OpenApi;

/// <summary>
/// <c>/openapi.json</c>: OpenAPI 3.1, made of the routes that are mapped and what operations.txt says of each. A test fails
/// when it says nothing of a route, or something of a route that there is not.
/// </summary>
internal static class OpenApiDocument
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string AnyCall = string.Join(", ", DocumentedOperations.OfAnyCall.Select(refusal => refusal.Code).Distinct());

    public static byte[] Of(IEnumerable<Route> routes)
    {
        var operations = DocumentedOperations.Load();
        var known = operations.All.ToDictionary(operation => (operation.Method, operation.Path));
        var paths = routes
            .Select(route => (Route: route, Path: route.Pattern.Replace("*}", "}", StringComparison.Ordinal)))
            .Where(entry => known.ContainsKey((entry.Route.Method, entry.Path)))
            .Select(entry => (entry.Route, Operation: known[(entry.Route.Method, entry.Path)]))
            .GroupBy(entry => entry.Operation.Path, StringComparer.Ordinal)
            .ToList();
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("openapi", "3.1.0");
            WriteInfo(writer);
            writer.WriteStartObject("paths");
            foreach (var path in paths)
            {
                writer.WriteStartObject(path.Key);
                foreach (var (route, operation) in path) WriteOperation(writer, route, operation);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            WriteComponents(writer, operations);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void WriteInfo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("info");
        writer.WriteString("title", "Caracal control plane");
        writer.WriteString("version", "v1");
        writer.WriteEndObject();
        writer.WriteStartArray("security");
        writer.WriteStartObject();
        writer.WriteStartArray("adminToken");
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private static void WriteOperation(Utf8JsonWriter writer, Route route, Operation operation)
    {
        writer.WriteStartObject(operation.Method.ToLowerInvariant());
        writer.WriteString("operationId", operation.Id);
        writer.WriteString("summary", operation.Summary);
        if (route.IsOpen)
        {
            writer.WriteStartArray("security");
            writer.WriteEndArray();
        }

        writer.WriteStartArray("parameters");
        foreach (var segment in route.Segments.Where(segment => segment.StartsWith('{')))
        {
            WriteParameter(writer, segment.Trim('{', '}', '*'), "path", new PlainShape("string", 1, 128));
        }

        foreach (var (name, shape) in operation.Query) WriteParameter(writer, name, "query", shape);
        writer.WriteEndArray();
        if (operation.Body is { } body)
        {
            writer.WriteStartObject("requestBody");
            writer.WriteBoolean("required", body is ObjectShape { Members: var members } && members.Any(member => member.Required));
            WriteJsonContent(writer, body);
            writer.WriteEndObject();
        }

        writer.WriteStartObject("responses");
        writer.WriteStartObject(operation.Status.ToString());
        writer.WriteString("description", operation.Summary);
        if (operation.Answer is { } answer) WriteJsonContent(writer, answer);
        writer.WriteEndObject();
        foreach (var refused in operation.Refusals.GroupBy(refusal => refusal.Status).OrderBy(group => group.Key))
        {
            WriteRefused(writer, refused.Key.ToString(), string.Join(", ", refused.Select(refusal => refusal.Code)));
        }

        WriteRefused(writer, "default", "Refused; the code says why. Any call: " + AnyCall);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteRefused(Utf8JsonWriter writer, string status, string description)
    {
        writer.WriteStartObject(status);
        writer.WriteString("description", description);
        WriteJsonContent(writer, new NamedShape("Error"));
        writer.WriteEndObject();
    }

    private static void WriteParameter(Utf8JsonWriter writer, string name, string place, Shape shape)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteString("in", place);
        writer.WriteBoolean("required", place == "path");
        writer.WritePropertyName("schema");
        shape.Write(writer);
        writer.WriteEndObject();
    }

    private static void WriteJsonContent(Utf8JsonWriter writer, Shape shape)
    {
        writer.WriteStartObject("content");
        writer.WriteStartObject("application/json");
        writer.WritePropertyName("schema");
        shape.Write(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteComponents(Utf8JsonWriter writer, DocumentedOperations operations)
    {
        writer.WriteStartObject("components");
        writer.WriteStartObject("securitySchemes");
        writer.WriteStartObject("adminToken");
        writer.WriteString("type", "http");
        writer.WriteString("scheme", "bearer");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("schemas");
        foreach (var (name, shape) in operations.Types)
        {
            writer.WritePropertyName(name);
            shape.Write(writer);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
