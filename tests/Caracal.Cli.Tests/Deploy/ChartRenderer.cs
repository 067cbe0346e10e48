using System.Text;
using System.Text.RegularExpressions;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>
/// Renders our chart as Helm would: the part of its template language that the chart uses (values, if/else, range, eq, not,
/// fail, toYaml with nindent, and trimmed white space). Anything else in a template fails the test.
/// </summary>
internal sealed partial class ChartRenderer
{
    private readonly Dictionary<object, object?> _root;

    public ChartRenderer(params (string Path, string Value)[] set)
    {
        var values = Yaml.One(File.ReadAllText(Path.Combine(Chart, "values.yaml")));
        foreach (var (path, value) in set)
        {
            var parts = path.Split('.');
            var at = parts[..^1].Aggregate(values, (map, name) => map.Map(name));
            Assert.True(at.ContainsKey(parts[^1]), $"values.yaml has no {path}");
            at[parts[^1]] = value;
        }

        _root = new Dictionary<object, object?> { ["Values"] = values };
    }

    private static string Chart => Path.Combine(Yaml.Deploy, "helm", "caracal");

    /// <summary>Every object of the chart.</summary>
    public List<Dictionary<object, object?>> Render()
    {
        var rendered = new List<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(Chart, "templates"), "*.yaml").Order(StringComparer.Ordinal))
        {
            var output = new StringBuilder();
            var parts = Parse(File.ReadAllText(file));
            var end = Run(parts, 0, parts.Count, new Dictionary<string, object?>(StringComparer.Ordinal), output);
            Assert.Equal(parts.Count, end);
            rendered.Add(output.ToString());
        }

        return [.. rendered.Where(text => !string.IsNullOrWhiteSpace(text)).SelectMany(Yaml.All)];
    }

    private static List<(bool IsAction, string Text)> Parse(string template)
    {
        var parts = new List<(bool, string)>();
        var last = 0;
        var trim = false;
        foreach (Match action in Action().Matches(template))
        {
            var text = template[last..action.Index];
            if (trim) text = text.TrimStart();
            if (action.Groups[1].Length > 0) text = text.TrimEnd();
            parts.Add((false, text));
            parts.Add((true, action.Groups[2].Value.Trim()));
            trim = action.Groups[3].Length > 0;
            last = action.Index + action.Length;
        }

        parts.Add((false, trim ? template[last..].TrimStart() : template[last..]));
        return parts;
    }

    // Runs from one part on, until the end of the block it is in; returns where that end stands.
    private int Run(List<(bool IsAction, string Text)> parts, int from, int to, Dictionary<string, object?> scope, StringBuilder output)
    {
        for (var i = from; i < to; i++)
        {
            var (isAction, text) = parts[i];
            if (!isAction) output.Append(text);
            else if (text is "end" or "else") return i;
            else if (text.StartsWith("if ", StringComparison.Ordinal)) i = If(parts, i, to, scope, output);
            else if (text.StartsWith("range ", StringComparison.Ordinal)) i = Range(parts, i, to, scope, output);
            else output.Append(Value(text, scope));
        }

        return to;
    }

    private int If(List<(bool IsAction, string Text)> parts, int at, int to, Dictionary<string, object?> scope, StringBuilder output)
    {
        var holds = IsTrue(Eval(parts[at].Text[3..], scope));
        var middle = holds ? Run(parts, at + 1, to, scope, output) : Skip(parts, at + 1);
        if (parts[middle].Text != "else") return middle;
        return holds ? Skip(parts, middle + 1) : Run(parts, middle + 1, to, scope, output);
    }

    private int Range(List<(bool IsAction, string Text)> parts, int at, int to, Dictionary<string, object?> scope, StringBuilder output)
    {
        var words = parts[at].Text[6..].Split(":=", StringSplitOptions.TrimEntries);
        var names = words[0].Split(',', StringSplitOptions.TrimEntries);
        var over = Eval(words[1], scope);
        var items = over is Dictionary<object, object?> map ? map.OrderBy(pair => (string)pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value)).ToList()
            : ((List<object?>)over!).Select((item, index) => ((object)index, item)).ToList();
        var end = Skip(parts, at + 1);
        foreach (var (key, value) in items)
        {
            var inner = new Dictionary<string, object?>(scope, StringComparer.Ordinal) { [names[^1]] = value };
            if (names.Length == 2) inner[names[0]] = key;
            Assert.Equal(end, Run(parts, at + 1, to, inner, output));
        }

        return end;
    }

    // Past a branch that is not taken, to the else or the end it is followed by.
    private static int Skip(List<(bool IsAction, string Text)> parts, int from)
    {
        for (int i = from, depth = 0; i < parts.Count; i++)
        {
            if (!parts[i].IsAction) continue;
            if (parts[i].Text.StartsWith("if ", StringComparison.Ordinal) || parts[i].Text.StartsWith("range ", StringComparison.Ordinal)) depth++;
            else if (parts[i].Text == "else" && depth == 0) return i;
            else if (parts[i].Text == "end" && depth-- == 0) return i;
        }

        throw new InvalidOperationException("a block is not ended");
    }

    private string Value(string text, Dictionary<string, object?> scope)
    {
        if (text.StartsWith("fail ", StringComparison.Ordinal)) throw new ChartRefusedException(text[5..].Trim('"'));
        if (ToYaml().Match(text) is { Success: true } yaml)
        {
            var indent = new string(' ', int.Parse(yaml.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture));
            var lines = new YamlDotNet.Serialization.SerializerBuilder().Build().Serialize(Eval(yaml.Groups[1].Value, scope)!).TrimEnd().Split('\n');
            return "\n" + string.Join('\n', lines.Select(line => indent + line.TrimEnd('\r')));
        }

        return Eval(text, scope)?.ToString() ?? "";
    }

    private object? Eval(string text, Dictionary<string, object?> scope)
    {
        text = text.Trim();
        if (text.StartsWith("not ", StringComparison.Ordinal)) return !IsTrue(Eval(text[4..], scope));
        if (text.StartsWith("eq ", StringComparison.Ordinal))
        {
            var words = text[3..].Split(' ', 2);
            return Equals(Eval(words[0], scope), Eval(words[1], scope));
        }

        if (text.StartsWith('"')) return text.Trim('"');
        Assert.Matches(@"^(\$\w*)?(\.\w+)*$", text);
        var path = text.Split('.', StringSplitOptions.RemoveEmptyEntries);
        return path[0] == "$" || !path[0].StartsWith('$') ? _root.At([.. path.Where(name => name != "$")]) : scope[path[0]].At(path[1..]);
    }

    private static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool flag => flag,
        string text => text is not ("" or "false" or "0"),
        _ => true,
    };

    [GeneratedRegex(@"\{\{(-?)((?:(?!\}\}).)*?)(-?)\}\}")]
    private static partial Regex Action();

    [GeneratedRegex(@"^toYaml (\S+) \| nindent (\d+)$")]
    private static partial Regex ToYaml();
}

/// <summary>The chart refuses its values.</summary>
internal sealed class ChartRefusedException(string message) : Exception(message);
