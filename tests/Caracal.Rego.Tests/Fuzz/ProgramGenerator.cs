using System.Text;

namespace Caracal.Rego.Tests.Fuzz;

/// <summary>Writes random programs of the language from a seed; most of them compile.</summary>
internal sealed class ProgramGenerator(int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<string> _vars = [];
    private int _next;

    public string Module()
    {
        var sb = new StringBuilder("package fuzz\nimport rego.v1\nid(x) := x\n");
        var rules = _random.Next(1, 7);
        for (var i = 0; i < rules; i++)
        {
            _vars.Clear();
            Rule(sb, i);
        }

        return sb.ToString();
    }

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];

    private void Rule(StringBuilder sb, int index)
    {
        var name = $"r{index}";
        switch (_random.Next(7))
        {
            case 0:
                sb.Append($"{name} := {Term(3, index)}\n");
                break;
            case 1:
                sb.Append($"default {name} := {Scalar()}\n{name} := {Term(1, index)} if {Body(index)}\n");
                break;
            case 2:
                var set = Body(index);
                sb.Append($"{name} contains {Term(1, index)} if {set}\n");
                break;
            case 3:
                var keyed = Body(index);
                sb.Append($"{name}[{Term(0, index)}] := {Term(1, index)} if {keyed}\n");
                break;
            case 4:
                var chain = Body(index);
                sb.Append($"{name} := {Term(1, index)} if {chain}");
                _vars.Clear();
                sb.Append($" else := {Term(1, index)} if {Body(index)}\n");
                break;
            case 5:
                _vars.Add("a");
                var function = Body(index);
                sb.Append($"f{index}(a) := {Term(2, index)} if {function}\n{name} := f{index}({Scalar()})\n");
                break;
            default:
                sb.Append($"{name} if {Body(index)}\n");
                break;
        }
    }

    private string Body(int index)
    {
        var literals = _random.Next(1, 5);
        return "{ " + string.Join("; ", Enumerable.Range(0, literals).Select(_ => Literal(index))) + " }";
    }

    private string Literal(int index)
    {
        switch (_random.Next(10))
        {
            case 0: return $"not {Simple(index)}";
            case 1:
                var collection = Collection(index);
                return $"some {Fresh()} in {collection}";
            case 2:
                var pairs = Collection(index);
                return $"some {Fresh()}, {Fresh()} in {pairs}";
            case 3:
                var right = Term(2, index);
                return $"{Fresh()} := {right}";
            case 4: return $"every e{_next++} in {Collection(index)} {{ {Simple(index)} }}";
            case 5: return $"{Simple(index)} with input.x as {Term(1, index)}";
            case 6: return $"{Term(1, index)} in {Collection(index)}";
            case 7:
                var from = Collection(index);
                return $"{from}[{Fresh()}]";
            default: return Simple(index);
        }
    }

    private string Simple(int index) => $"{Term(1, index)} {Pick("==", "!=", "<", ">", "<=")} {Term(1, index)}";

    private string Fresh()
    {
        var name = $"v{_next++}";
        _vars.Add(name);
        return name;
    }

    private string Collection(int index) =>
        _random.Next(5) switch
        {
            0 => "input.xs",
            1 => $"[{Term(0, index)}, {Term(0, index)}]",
            2 => $"{{{Scalar()}: {Term(0, index)}}}",
            3 => index > 0 ? $"data.fuzz.r{_random.Next(index)}" : "input.o",
            _ => "numbers.range(0, 4)",
        };

    private string Term(int depth, int index)
    {
        if (depth <= 0 || _random.Next(4) == 0)
        {
            return _random.Next(5) switch
            {
                0 when _vars.Count > 0 => _vars[_random.Next(_vars.Count)],
                1 => Pick("input.x", "input.o.k", "input.xs[1]", "input.missing"),
                2 when index > 0 => $"r{_random.Next(index)}",
                _ => Scalar(),
            };
        }

        var d = depth - 1;
        switch (_random.Next(9))
        {
            case 0: return $"[{Term(d, index)}, {Term(d, index)}]";
            case 1: return $"{{\"k\": {Term(d, index)}, {Scalar()}: {Term(d, index)}}}";
            case 2: return $"{{{Term(d, index)}, {Term(d, index)}}}";
            case 3: return $"(id({Term(d, index)}) {Pick("+", "-", "*", "/", "%", "|", "&")} id({Term(d, index)}))";
            case 4: return Pick("count", "sum", "max", "sort", "to_number", "upper", "is_string", "type_name") + $"(id({Term(d, index)}))";
            case 5: return $"object.get(id({Term(d, index)}), {Scalar()}, {Term(d, index)})";
            case 6: return $"sprintf(\"%v %d\", [{Term(d, index)}, {Term(d, index)}])";
            case 7:
                var outer = _vars.Count;
                var body = Body(index);
                var head = Term(d, index);
                _vars.RemoveRange(outer, _vars.Count - outer);
                return Pick($"[{head.Replace("|", "+", StringComparison.Ordinal)} | {body[1..^1]}]", $"{{h | {body[1..^1]}; h := {head}}}");
            default: return $"$\"<{{{Term(d, index).Replace("\"", "`", StringComparison.Ordinal)}}}>\"";
        }
    }

    private string Scalar() => Pick("0", "1", "2", "-3", "1.5", "\"a\"", "\"b\"", "\"\"", "true", "false", "null", "1e3");
}
