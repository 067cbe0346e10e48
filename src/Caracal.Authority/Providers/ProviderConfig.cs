using System.Text.Json;

namespace Caracal.Authority.Providers;

/// <summary>A provider's configuration, split into what may be shown and what is sealed.</summary>
public sealed class ProviderConfig
{
    private readonly SortedDictionary<string, object> _public;

    internal ProviderConfig(string kind, SortedDictionary<string, object> fields, SortedDictionary<string, string> secrets)
    {
        Kind = kind;
        _public = fields;
        Secrets = secrets;
    }

    public string Kind { get; }

    /// <summary>Secrets the caller supplied, by field name.</summary>
    public IReadOnlyDictionary<string, string> Secrets { get; }

    internal string? Text(string field) => _public.GetValueOrDefault(field) as string;

    internal string[]? Texts(string field) => _public.GetValueOrDefault(field) as string[];

    internal IReadOnlyDictionary<string, string>? Map(string field) => _public.GetValueOrDefault(field) as SortedDictionary<string, string>;

    internal bool Has(string field) => _public.ContainsKey(field);

    internal string? Secret(string field) => Secrets.GetValueOrDefault(field);

    internal void Default(string field, object value) => _public.TryAdd(field, value);

    internal void Set(string field, object value) => _public[field] = value;

    /// <summary>Writes the public part, normalised, as a JSON object.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in _public)
        {
            writer.WritePropertyName(name);
            switch (value)
            {
                case bool flag:
                    writer.WriteBooleanValue(flag);
                    break;
                case string text:
                    writer.WriteStringValue(text);
                    break;
                case string[] texts:
                    writer.WriteStartArray();
                    foreach (var text in texts) writer.WriteStringValue(text);
                    writer.WriteEndArray();
                    break;
                case SortedDictionary<string, string> map:
                    writer.WriteStartObject();
                    foreach (var (key, text) in map) writer.WriteString(key, text);
                    writer.WriteEndObject();
                    break;
            }
        }

        writer.WriteEndObject();
    }
}

/// <summary>A config that keeps the rules, or the reason it does not.</summary>
/// <param name="Config">Null when refused.</param>
/// <param name="Problem">Text for people, without any value of a secret.</param>
public sealed record ProviderConfigResult(ProviderConfig? Config, string? Problem);
