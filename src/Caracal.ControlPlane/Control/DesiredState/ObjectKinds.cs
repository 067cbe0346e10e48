using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Providers;

namespace Caracal.ControlPlane.Control.DesiredState;

/// <summary>The five kinds of control.md 6: what tells them apart, what is compared, what is written.</summary>
internal static class ObjectKinds
{
    private static readonly string[] ResourceFields = ["name", "upstream_url", "credential_provider_id", "operation_enforcement"];

    public static IReadOnlyList<ObjectKind> All { get; } = [Application(), IdentityProvider(), Resource(), Policy(), PolicySet()];

    public static ObjectKind? Find(string? name) => All.FirstOrDefault(kind => kind.Name == name);

    private static ObjectKind Application() => new()
    {
        Name = "application",
        Noun = "app",
        Collection = "applications",
        IdentityField = "name",
        PruneOrder = 4,

        // Applications that registered themselves come and go by their own hour.
        Counts = row => Text(row, "registration_method") == "managed",
        IsProtected = ControlCommands.IsControlKey,
        Create = spec => Copy(spec, new JsonObject { ["registration_method"] = "managed" }, "name", "traits"),
        Drift = (spec, row) => spec.ContainsKey("traits") && !SameSet(spec["traits"], row["traits"]) ? ["traits"] : [],
        Update = (spec, _) => ("PATCH", [], Copy(spec, [], "traits")),
    };

    private static ObjectKind IdentityProvider() => new()
    {
        Name = "identity-provider",
        Noun = "identity-provider",
        Collection = "providers",
        IdentityField = "identifier",
        PruneOrder = 1,
        Create = spec => Copy(spec, ConfigOf(spec), "identifier", "name", "kind"),
        Drift = (spec, row) =>
        [
            .. Differing(spec, row, "name", "kind"),
            .. spec.ContainsKey("config") && PublicConfig(spec, row) is var config && !JsonNode.DeepEquals(config, row["config_json"]) ? new[] { "config" } : [],
        ],
        Update = (spec, drift) => ("PATCH", [], Copy(
            spec, drift.Contains("config") || drift.Contains("kind") ? ConfigOf(spec) : [], [.. drift.Where(name => name is "name" or "kind")])),
    };

    private static ObjectKind Resource() => new()
    {
        Name = "resource",
        Noun = "resource",
        Collection = "resources",
        IdentityField = "identifier",
        PruneOrder = 0,
        Create = spec => Copy(spec, [], ["identifier", "scopes", "operations", .. ResourceFields]),
        Drift = (spec, row) =>
        [
            .. Differing(spec, row, "name"),
            .. spec.ContainsKey("scopes") && !SameSet(spec["scopes"], row["scopes"]) ? new[] { "scopes" } : [],
            .. Differing(spec, row, "upstream_url", "credential_provider_id"),
            .. spec.ContainsKey("operations") && !Operations(spec).SetEquals(Operations(row)) ? new[] { "operations" } : [],
            .. Differing(spec, row, "operation_enforcement"),
        ],
        Update = (spec, drift) => ("PATCH", [], Copy(spec, [], [.. drift])),
    };

    private static ObjectKind Policy() => new()
    {
        Name = "policy",
        Noun = "policy",
        Collection = "policies",
        IdentityField = "name",
        PruneOrder = 3,
        ReadsEach = true,
        Create = spec => Copy(spec, [], "name", "description", "content"),
        Drift = (spec, row) => Text(spec, "content") is { } content && Sha256(content) != NewestSha(row) ? ["content"] : [],
        Update = (spec, _) => ("POST", ["versions"], Copy(spec, [], "content")),
    };

    private static ObjectKind PolicySet() => new()
    {
        Name = "policy-set",
        Noun = "policy-set",
        Collection = "policy-sets",
        IdentityField = "name",
        PruneOrder = 2,
        Create = spec => Copy(spec, [], "name", "description"),
        Drift = (_, _) => [],
        Update = (_, _) => throw new InvalidOperationException("a policy set never drifts"),
    };

    public static string? Text(JsonObject from, string name) =>
        from[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    private static JsonObject Copy(JsonObject spec, JsonObject into, params string[] names)
    {
        foreach (var name in names)
        {
            if (spec.TryGetPropertyValue(name, out var value)) into[name] = value?.DeepClone();
        }

        return into;
    }

    private static JsonObject ConfigOf(JsonObject spec) =>
        spec["config"] is { } config ? new JsonObject { ["config_json"] = config.DeepClone() } : [];

    // As it would be stored: defaults filled in, secrets left out, which are never shown and so never compared.
    private static JsonNode? PublicConfig(JsonObject spec, JsonObject row)
    {
        var kind = Text(spec, "kind") ?? Text(row, "kind") ?? "";
        var sealedNames = row["secret_config_keys"] is JsonArray names ? names.Select(name => name!.GetValue<string>()).ToArray() : [];
        if (!ProviderKinds.IsKind(kind)) return spec["config"];
        using var document = JsonDocument.Parse(spec["config"]?.ToJsonString() ?? "null");
        var read = ProviderConfigReader.Read(kind, document.RootElement, sealedNames);
        return read.Config is null ? spec["config"] : JsonNode.Parse(ProviderSecrets.PublicJson(read.Config));
    }

    private static IEnumerable<string> Differing(JsonObject spec, JsonObject row, params string[] names) =>
        names.Where(name => spec.ContainsKey(name) && !JsonNode.DeepEquals(spec[name], row[name]));

    private static bool SameSet(JsonNode? left, JsonNode? right) =>
        left is JsonArray wanted && right is JsonArray found
        && wanted.Select(Canonical).ToHashSet(StringComparer.Ordinal).SetEquals(found.Select(Canonical));

    private static string Canonical(JsonNode? node) => node?.ToJsonString() ?? "null";

    private static HashSet<string> Operations(JsonObject from) =>
        from["operations"] is JsonArray operations
            ? operations.Select(operation => operation is JsonObject members
                ? $"{Text(members, "method")?.ToUpperInvariant()} {Text(members, "path")?.Trim()} {Text(members, "scope")}"
                : Canonical(operation)).ToHashSet(StringComparer.Ordinal)
            : [];

    private static string? NewestSha(JsonObject row) =>
        row["versions"] is JsonArray { Count: > 0 } versions ? Text(versions.OfType<JsonObject>().MaxBy(version => version["version"]!.GetValue<long>())!, "content_sha256") : null;

    private static string Sha256(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
}
