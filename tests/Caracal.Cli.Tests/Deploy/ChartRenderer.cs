using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>
/// Renders our chart as Helm would: the part of its template language that the chart uses (values, if/else, range, variables,
/// pipelines of a few functions, and trimmed white space). Anything else in a template fails the test.
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
            at[parts[^1]] = value.Length == 0 ? "" : new DeserializerBuilder().Build().Deserialize<object?>(value);
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
            else if (Assignment().Match(text) is { Success: true } set) scope[set.Groups["name"].Value] = Eval(set.Groups["value"].Value, scope);
            else output.Append(Eval(text, scope)?.ToString() ?? "");
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
            : (over as List<object?> ?? []).Select((item, index) => ((object)index, item)).ToList();
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

    // A pipeline of functions, each of which gets what the one before it made as its last argument.
    private object? Eval(string text, Dictionary<string, object?> scope)
    {
        var stages = new List<List<string>> { new() };
        foreach (var word in Word().Matches(text).Select(match => match.Value))
        {
            if (word == "|") stages.Add([]);
            else stages[^1].Add(word);
        }

        object? value = null;
        foreach (var stage in stages)
        {
            var arguments = stage.Skip(1).Select(word => Operand(word, scope)).ToList();
            if (stage != stages[0]) arguments.Add(value);
            value = arguments.Count == 0 ? Operand(stage[0], scope) : Call(stage[0], arguments);
        }

        return value;
    }

    private static object? Call(string function, List<object?> given) => function switch
    {
        "not" => !IsTrue(given[0]),
        "eq" => Equals(given[0], given[1]),
        "and" => IsTrue(given[0]) ? given[1] : given[0],
        "or" => IsTrue(given[0]) ? given[0] : given[1],
        "index" => given[0].At((string)given[1]!),
        "fail" => throw new ChartRefusedException((string)given[0]!),
        "toYaml" => new SerializerBuilder().Build().Serialize(given[0]!).ReplaceLineEndings("\n").TrimEnd(),
        "nindent" => "\n" + string.Join('\n', ((string)given[1]!).Split('\n').Select(line => new string(' ', int.Parse((string)given[0]!, CultureInfo.InvariantCulture)) + line)),
        ".Files.Get" => File.ReadAllText(Path.Combine(Chart, (string)given[0]!)),
        _ => throw new InvalidOperationException($"the chart uses {function}, which is unknown here"),
    };

    private object? Operand(string word, Dictionary<string, object?> scope)
    {
        if (word.StartsWith('"')) return word.Trim('"');
        if (word.StartsWith('(')) return Eval(word[1..^1], scope);
        if (char.IsAsciiDigit(word[0])) return word;
        Assert.Matches(@"^(\$\w*)?(\.\w+)*$", word);
        var path = word.Split('.', StringSplitOptions.RemoveEmptyEntries);
        return path[0] == "$" || !path[0].StartsWith('$') ? _root.At([.. path.Where(name => name != "$")]) : scope[path[0]].At(path[1..]);
    }

    private static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool flag => flag,
        string text => text is not ("" or "false" or "0"),
        Dictionary<object, object?> map => map.Count > 0,
        List<object?> list => list.Count > 0,
        _ => true,
    };

    [GeneratedRegex(@"\{\{(-?)((?:(?!\}\}).)*?)(-?)\}\}")]
    private static partial Regex Action();

    [GeneratedRegex(@"^(?<name>\$\w+) := (?<value>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"""[^""]*""|\([^()]*\)|\S+")]
    private static partial Regex Word();
}

/// <summary>The chart refuses its values.</summary>
internal sealed class ChartRefusedException(string message) : Exception(message);
