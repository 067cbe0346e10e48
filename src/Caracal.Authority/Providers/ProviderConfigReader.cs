using System.Text.Json;

namespace Caracal.Authority.Providers;

/// <summary>Reads <c>config_json</c> by the field matrix and checks every rule of api.md 7.</summary>
public static class ProviderConfigReader
{
    /// <param name="kind">A kind of <see cref="ProviderKinds"/>.</param>
    /// <param name="config">The object as sent; undefined means empty.</param>
    /// <param name="storedSecrets">Sealed names the provider already has; a secret among them need not be sent again.</param>
    public static ProviderConfigResult Read(string kind, JsonElement config, IReadOnlyCollection<string> storedSecrets)
    {
        var fields = new SortedDictionary<string, object>(StringComparer.Ordinal);
        var secrets = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (config.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in config.EnumerateObject())
            {
                if (ReadMember(kind, member, fields, secrets) is { } problem) return Refused(problem);
            }
        }
        else if (config.ValueKind != JsonValueKind.Undefined)
        {
            return Refused("config_json must be an object");
        }

        var read = new ProviderConfig(kind, fields, secrets);
        return ProviderConfigRules.Check(read, storedSecrets) is { } broken ? Refused(broken) : new ProviderConfigResult(read, null);
    }

    private static ProviderConfigResult Refused(string problem) => new(null, problem);

    private static string? ReadMember(
        string kind, JsonProperty member, SortedDictionary<string, object> fields, SortedDictionary<string, string> secrets)
    {
        var name = member.Name;
        if (ProviderKinds.IsSecretField(kind, name)) return ReadSecret(member, secrets);
        if (!ProviderKinds.IsPublicField(kind, name)) return $"{name} is not a field of {kind}";
        object? value = ProviderKinds.UseOf(name) switch
        {
            FieldUse.Flag => member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? member.Value.GetBoolean() : null,
            FieldUse.Texts => Texts(member.Value),
            FieldUse.TextMap => Map(member.Value),
            _ => Text(member.Value),
        };
        if (value is null) return $"{name} has a wrong or empty value";
        fields[name] = value;
        return null;
    }

    private static string? ReadSecret(JsonProperty member, SortedDictionary<string, string> secrets)
    {
        if (Text(member.Value) is not { } text) return $"{member.Name} must be a non-empty string";
        if (member.Name != "private_key" && text.Any(c => c is <= '\u001f' or '\u007f')) return $"{member.Name} must not contain control characters";
        secrets[member.Name] = text;
        return null;
    }

    private static string? Text(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()!.Trim() : "";
        return text.Length == 0 ? null : text;
    }

    private static string[]? Texts(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array) return null;
        var texts = value.EnumerateArray().Select(Text).ToArray();
        return texts.Length == 0 || texts.Contains(null) ? null : [.. texts.OfType<string>()];
    }

    private static SortedDictionary<string, string>? Map(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) return null;
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            if (Text(member.Value) is not { } text) return null;
            map[member.Name] = text;
        }

        return map;
    }
}
