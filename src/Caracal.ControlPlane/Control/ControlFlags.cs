using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.ControlPlane.Control;

/// <summary>
/// The flags of one command: a flat map within the bounds of control.md 2. Readers note the first problem and go on with
/// nothing; nothing is sent anywhere while there is one.
/// </summary>
internal sealed class ControlFlags
{
    private const int MostFlags = 32;
    private const int LongestName = 64;
    private const int LongestText = 131_072;
    private const int LongestList = 64;

    private readonly Dictionary<string, JsonElement> _flags = new(StringComparer.Ordinal);

    public ControlFlags(JsonElement flags)
    {
        if (flags.ValueKind != JsonValueKind.Object) return;
        foreach (var flag in flags.EnumerateObject())
        {
            if (flag.Name.Length is 0 or > LongestName) Note("a flag's name must have 1 to 64 characters");
            else if (!IsFlat(flag.Value)) Note($"flag \"{flag.Name}\" is out of bounds");
            _flags[flag.Name] = flag.Value;
            if (_flags.Count > MostFlags) Note($"at most {MostFlags} flags are allowed");
            if (Problem is not null) return;
        }
    }

    /// <summary>The first problem; null when all is well.</summary>
    public string? Problem { get; private set; }

    public bool Has(string name) => _flags.ContainsKey(name);

    public bool IsNull(string name) => _flags.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.Null;

    public void Note(string problem) => Problem ??= problem;

    public string Required(string name)
    {
        if (Text(name) is { Length: > 0 } text) return text;
        Note($"flag \"{name}\" is required");
        return "";
    }

    /// <summary>Text; numbers and booleans by their JSON text. Null when absent or null.</summary>
    public string? Text(string name)
    {
        if (!_flags.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        if (value.ValueKind != JsonValueKind.Array) return value.GetRawText();
        Note($"flag \"{name}\" must be a text");
        return null;
    }

    /// <summary>A list, or texts separated by commas. Null when absent or null.</summary>
    public IReadOnlyList<string>? List(string name)
    {
        if (!_flags.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(member => member.ValueKind == JsonValueKind.String ? member.GetString()! : member.GetRawText())]
            : (Text(name) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>A whole number. Null when absent or null.</summary>
    public long? Number(string name)
    {
        if (Text(name) is not { } text) return null;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        Note($"flag \"{name}\" must be a whole number");
        return null;
    }

    /// <summary>True for <c>true</c> and <c>"true"</c>.</summary>
    public bool IsSet(string name) => Text(name) == "true";

    /// <summary>JSON in a text; a list of JSON texts makes an array. Null when absent or null.</summary>
    public JsonNode? Json(string name, JsonValueKind expected)
    {
        if (!_flags.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        try
        {
            var node = value.ValueKind == JsonValueKind.Array
                ? new JsonArray([.. value.EnumerateArray().Select(member => JsonNode.Parse(member.ValueKind == JsonValueKind.String ? member.GetString()! : member.GetRawText()))])
                : JsonNode.Parse(Text(name) ?? "", null, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            if (node?.GetValueKind() == expected) return node;
        }
        catch (JsonException)
        {
            // Said below.
        }

        Note($"flag \"{name}\" must be the text of a JSON {(expected == JsonValueKind.Array ? "array" : "object")}");
        return null;
    }

    private static bool IsFlat(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() <= LongestList && value.EnumerateArray().All(IsScalar),
        _ => IsScalar(value),
    };

    private static bool IsScalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Length <= LongestText,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
        _ => false,
    };
}
