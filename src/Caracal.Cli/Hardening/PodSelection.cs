using System.Text.Json.Nodes;

namespace Caracal.Cli.Hardening;

/// <summary>Which pods a network policy is for.</summary>
internal static class PodSelection
{
    /// <summary>True when a policy of one namespace selects pods with these labels. A rule of another kind than these selects nothing: what is not understood protects nobody.</summary>
    public static bool Selects(JsonNode? selector, JsonObject labels)
    {
        foreach (var (name, value) in selector?["matchLabels"] as JsonObject ?? [])
        {
            if (Text(labels[name]) is not { } label || label != Text(value)) return false;
        }

        return (selector?["matchExpressions"] as JsonArray ?? []).All(expression => Holds(expression!, labels));
    }

    private static bool Holds(JsonNode expression, JsonObject labels)
    {
        var label = Text(labels[Text(expression["key"]) ?? ""]);
        var values = (expression["values"] as JsonArray ?? []).Select(Text).ToList();
        return Text(expression["operator"]) switch
        {
            "In" => label is not null && values.Contains(label),
            "NotIn" => label is null || !values.Contains(label),
            "Exists" => label is not null,
            "DoesNotExist" => label is null,
            _ => false,
        };
    }

    private static string? Text(JsonNode? node) => node is JsonValue ? node.ToString() : null;
}
