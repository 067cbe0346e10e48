using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.Evidence.Rotations;

/// <summary>One line of a rotation's evidence: canonical JSON that names the hash of the line before it (operations.md 4.8).</summary>
/// <param name="Text">Sorted members, no spaces, no line end.</param>
/// <param name="Hash">SHA-256 of the text, hex: the next line's <c>prev</c>.</param>
public sealed record RotationLine(string Text, string Hash)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line of these members; those without a value are left out.</summary>
    public static RotationLine Of(long sequence, string previousHash, IEnumerable<KeyValuePair<string, JsonNode?>> members)
    {
        var sorted = new SortedDictionary<string, JsonNode>(StringComparer.Ordinal) { ["seq"] = sequence, ["prev"] = previousHash };
        foreach (var (name, value) in members)
        {
            if (value is not null) sorted[name] = value;
        }

        var text = new JsonObject(sorted.Select(member => KeyValuePair.Create(member.Key, (JsonNode?)member.Value))).ToJsonString(Plain);
        return new RotationLine(text, HashOf(text));
    }

    public static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The number of the first line that does not follow from the one before it, counted from 1; null when all do.</summary>
    public static int? FirstBreak(IReadOnlyList<string> lines)
    {
        var previous = "";
        for (var i = 0; i < lines.Count; i++)
        {
            using var document = JsonDocument.Parse(lines[i]);
            if (document.RootElement.GetProperty("prev").GetString() != previous || document.RootElement.GetProperty("seq").GetInt64() != i + 1) return i + 1;
            previous = HashOf(lines[i]);
        }

        return null;
    }
}
