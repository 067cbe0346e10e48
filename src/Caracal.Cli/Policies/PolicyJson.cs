using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary>Documents of the policy commands: two-space indent, a newline at the end (cli.md 1.2).</summary>
internal static class PolicyJson
{
    // Values of policies nest up to 256 levels, more than a serializer expects.
    private const int MaxDepth = 512;

    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        MaxDepth = MaxDepth,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Text(JsonNode? document) => (document?.ToJsonString(s_options) ?? "null") + "\n";

    public static JsonNode? Node(RegoValue value) => JsonNode.Parse(value.ToJson(), documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth });

    public static JsonArray Array(IEnumerable<JsonNode?> items) => new([.. items]);

    /// <summary>A value with everything in it that looks like a credential replaced, keys included.</summary>
    public static RegoValue Scrubbed(RegoValue value) => value.Kind switch
    {
        RegoKind.String => RegoValue.String(Scrubber.Scrub(value.AsString())),
        RegoKind.Array => RegoValue.Array([.. value.Items.Select(Scrubbed)]),
        RegoKind.Set => RegoValue.Set(value.Items.Select(Scrubbed)),
        RegoKind.Object => RegoValue.Object(value.Properties.Select(p => KeyValuePair.Create(Scrubbed(p.Key), Scrubbed(p.Value)))),
        _ => value,
    };
}
