using System.Collections;
using System.Collections.Immutable;

namespace Caracal.Cli.Environment;

/// <summary>An immutable picture of environment variables; commands never read the process environment themselves.</summary>
internal sealed class ProcessVariables
{
    private readonly ImmutableDictionary<string, string?> values;

    public ProcessVariables(IEnumerable<KeyValuePair<string, string?>> values) =>
        this.values = values.ToImmutableDictionary(StringComparer.Ordinal);

    /// <summary>For children and for the stack.</summary>
    public IReadOnlyDictionary<string, string?> All => values;

    /// <summary>The value; null when unset or empty.</summary>
    public string? this[string name] => values.TryGetValue(name, out var value) && !string.IsNullOrEmpty(value) ? value : null;

    public static ProcessVariables Read() => new(System.Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value)));

    public bool Has(string name) => this[name] is not null;

    public ProcessVariables With(string name, string? value) => new(values.SetItem(name, value));

    /// <summary>Sets <paramref name="name"/> only where it has no value.</summary>
    public ProcessVariables WithDefault(string name, string value) => Has(name) ? this : With(name, value);

    public ProcessVariables Without(string name) => new(values.Remove(name));
}
