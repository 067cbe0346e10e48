using System.Globalization;
using System.Text;

namespace Caracal.Sdk.Configuration;

/// <summary>The part of TOML that <c>caracal.toml</c> uses: strings, integers, booleans, arrays of strings, tables and arrays of tables.</summary>
internal static class TomlReader
{
    /// <summary>Top-level keys, and under <c>name[]</c> the tables of an array.</summary>
    public static TomlTable Parse(string text, string path)
    {
        var root = new TomlTable();
        var table = root;
        var number = 0;
        foreach (var raw in text.ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '[')
            {
                table = Header(line, root) ?? throw Fault(path, number, "a table header is [name] or [[name]]");
                continue;
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var key = equals > 0 ? line[..equals].Trim().Trim('"') : "";
            if (key.Length == 0) throw Fault(path, number, "expected key = value");
            var rest = line.AsSpan(equals + 1).Trim();
            var value = Value(ref rest);
            if (value is null || !(rest.TrimStart() is [] or ['#', ..])) throw Fault(path, number, $"the value of {key} cannot be read");
            if (!table.Values.TryAdd(key, value)) throw Fault(path, number, $"{key} is set twice");
        }

        return root;
    }

    private static TomlTable? Header(string line, TomlTable root)
    {
        var comment = line.IndexOf('#', StringComparison.Ordinal);
        var header = (comment < 0 ? line : line[..comment]).TrimEnd();
        if (header.StartsWith("[[", StringComparison.Ordinal) && header.EndsWith("]]", StringComparison.Ordinal))
        {
            var table = new TomlTable();
            root.List(header[2..^2].Trim()).Add(table);
            return table;
        }

        return header.EndsWith(']') ? new TomlTable() : null; // tables that are not ours are read and left alone
    }

    private static object? Value(ref ReadOnlySpan<char> rest)
    {
        if (rest.IsEmpty) return null;
        if (rest[0] is '"' or '\'') return Text(ref rest);
        if (rest[0] == '[') return Array(ref rest);
        var end = rest.IndexOfAny(',', ']', '#');
        var word = (end < 0 ? rest : rest[..end]).Trim();
        rest = end < 0 ? [] : rest[end..];
        if (word is "true") return true;
        if (word is "false") return false;
        return long.TryParse(word.ToString().Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : word.IsEmpty ? null : word.ToString();
    }

    private static string? Text(ref ReadOnlySpan<char> rest)
    {
        var quote = rest[0];
        var text = new StringBuilder();
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == quote)
            {
                rest = rest[(i + 1)..];
                return text.ToString();
            }

            if (quote == '"' && rest[i] == '\\')
            {
                if (++i >= rest.Length || Escape(rest[i]) is not { } plain) return null;
                text.Append(plain);
            }
            else
            {
                text.Append(rest[i]);
            }
        }

        return null;
    }

    private static char? Escape(char escaped) => escaped switch { 'n' => '\n', 't' => '\t', 'r' => '\r', '"' => '"', '\\' => '\\', _ => null };

    private static List<object>? Array(ref ReadOnlySpan<char> rest)
    {
        var items = new List<object>();
        rest = rest[1..].TrimStart();
        while (!rest.IsEmpty)
        {
            if (rest[0] == ']')
            {
                rest = rest[1..];
                return items;
            }

            if (Value(ref rest) is not { } item) return null;
            items.Add(item);
            rest = rest.TrimStart();
            if (rest is [',', ..]) rest = rest[1..].TrimStart();
            else if (rest is not [']', ..]) return null;
        }

        return null;
    }

    private static CaracalConfigurationException Fault(string path, int line, string what) => new($"{path}:{line}: {what}");
}

/// <summary>One table: keys with strings, numbers, booleans or lists; and the tables of its arrays.</summary>
internal sealed class TomlTable
{
    private readonly Dictionary<string, List<TomlTable>> _lists = new(StringComparer.Ordinal);

    public Dictionary<string, object> Values { get; } = new(StringComparer.Ordinal);

    public List<TomlTable> List(string name)
    {
        if (!_lists.TryGetValue(name, out var tables)) _lists[name] = tables = [];
        return tables;
    }

    public string? Text(string key) => Values.GetValueOrDefault(key) as string is { Length: > 0 } text ? text : null;
}
