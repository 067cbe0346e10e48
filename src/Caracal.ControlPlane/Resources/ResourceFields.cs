using System.Text;
using System.Text.Json;
using Caracal.Authority.Resources;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;

namespace Caracal.ControlPlane.Resources;

/// <summary>The members of a resource body, read but not yet held against each other.</summary>
internal sealed class ResourceFields
{
    private readonly Fields _fields;

    public ResourceFields(ApiCall call)
    {
        _fields = call.Loose(ControlPlaneErrors.InvalidResource);
        Name = _fields.NullableText("name", 0, 200);
        Identifier = _fields.NullableText("identifier", 0, 512);
        HasUpstream = _fields.Has("upstream_url");
        UpstreamUrl = _fields.NullableText("upstream_url", 1, 2048);
        Scopes = _fields.Texts("scopes", 1, 64, 1, 200);
        HasProvider = _fields.Has("credential_provider_id");
        ProviderId = _fields.NullableText("credential_provider_id", 1, 128);
        Enforcement = _fields.OneOf("operation_enforcement", ResourceRules.Enforced, ResourceRules.TransportUniform);
        Check = _fields.Flag("check") ?? false;
        Operations = ReadOperations();
        if (UpstreamUrl is not null && !ResourceRules.IsUpstreamUrl(UpstreamUrl)) _fields.Note("upstream_url", "must be an http or https URL");
    }

    public string? Name { get; }

    public string? Identifier { get; }

    public bool HasUpstream { get; }

    public string? UpstreamUrl { get; }

    public string[]? Scopes { get; }

    public bool HasProvider { get; }

    public string? ProviderId { get; }

    public string? Enforcement { get; }

    public bool Check { get; }

    public IReadOnlyList<ResourceOperation>? Operations { get; }

    /// <summary>Whether the body names anything to change.</summary>
    public bool Any => Name is not null || Identifier is not null || HasUpstream || Scopes is not null || HasProvider || Enforcement is not null || Operations is not null;

    /// <summary>Set when an operation lacks its method or path, which has a code of its own.</summary>
    public bool OperationIncomplete { get; private set; }

    public Answer? Problem() => OperationIncomplete ? new Refusal(400, "operation_method_and_path_required") : _fields.Problem();

    public void Note(string path, string message) => _fields.Note(path, message);

    /// <summary>Operations as they are stored.</summary>
    public static JsonText ToJson(IReadOnlyList<ResourceOperation> operations)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var operation in operations)
            {
                writer.WriteStartObject();
                writer.WriteString("method", operation.Method);
                writer.WriteString("path", operation.Path);
                writer.WriteString("scope", operation.Scope);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return new JsonText(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    public static IReadOnlyList<ResourceOperation> FromJson(JsonText stored)
    {
        using var document = JsonDocument.Parse(stored.Value);
        return [.. document.RootElement.EnumerateArray().Select(operation => new ResourceOperation(
            operation.GetProperty("method").GetString()!, operation.GetProperty("path").GetString()!, operation.GetProperty("scope").GetString()!))];
    }

    private List<ResourceOperation>? ReadOperations()
    {
        if (_fields.Objects("operations", 0, 256, strict: false) is not { } members) return null;
        var operations = new List<ResourceOperation>();
        foreach (var member in members)
        {
            OperationIncomplete |= !member.Has("method") || !member.Has("path");
            operations.Add(new ResourceOperation(
                member.OptionalText("method", 0, 16) ?? "", member.OptionalText("path", 0, 512) ?? "", member.Text("scope", 1, 200)));
            _fields.Include($"operations.{operations.Count - 1}", member);
        }

        return operations;
    }
}
