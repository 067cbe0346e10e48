using System.Text.Json;
using Caracal.Rego;

namespace Caracal.Conformance;

/// <summary>One conformance case with the place it was read from.</summary>
internal sealed class Case(string id, string group, string category, JsonElement json)
{
    public string Id { get; } = id;

    public string Group { get; } = group;

    public string Category { get; } = category;

    public string Note => Text("note") ?? "";

    public string Scope => Group == "own" ? "language" : Scopes.Of(Category, Note);

    public string? Query => Text("query");

    public string? InputTerm => Text("input_term");

    public string? WantErrorCode => Text("want_error_code");

    public string? WantError => Text("want_error");

    public bool WantCompile => Flag("want_compile");

    public bool SortBindings => Flag("sort_bindings");

    public bool StrictErrors => Flag("strict_error");

    public string? RegoVersion => Text("rego_version");

    public string? Profile => Text("profile");

    public RegoValue? Data => Value("data");

    public RegoValue? Input => json.TryGetProperty("input", out var input) ? Read(input) : null;

    public IReadOnlyList<RegoValue>? WantResult => Value("want_result") is { } v ? v.Items : null;

    public IReadOnlyList<RegoModule> Modules =>
        json.TryGetProperty("modules", out var modules) && modules.ValueKind == JsonValueKind.Array
            ? [.. modules.EnumerateArray().Select((m, i) => new RegoModule($"test-{i}.rego", m.GetString()!))]
            : [];

    /// <summary>
    /// Every case below the folder: the whole set, one group (<c>v1</c>, <c>v0</c>, <c>own</c>), or one category. The
    /// group is read from the path; a folder that names none holds v1 cases.
    /// </summary>
    public static IEnumerable<Case> ReadAll(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Path.GetFullPath(folder), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var group = file.Split(Path.DirectorySeparatorChar).LastOrDefault(part => part is "v1" or "v0" or "own") ?? "v1";
            var category = group == "own" ? Path.GetFileNameWithoutExtension(file) : Path.GetFileName(Path.GetDirectoryName(file)!);
            using var document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 256 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("cases", out var cases))
            {
                continue; // the list of builtins beside the cases
            }

            var index = 0;
            foreach (var json in cases.EnumerateArray())
            {
                var id = $"{group}/{category}/{Path.GetFileName(file)}#{index++}";
                yield return new Case(id, group, category, json.Clone());
            }
        }
    }

    private static RegoValue Read(JsonElement json) => RegoValue.FromJson(json.GetRawText());

    private RegoValue? Value(string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? Read(value) : null;

    private string? Text(string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private bool Flag(string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
