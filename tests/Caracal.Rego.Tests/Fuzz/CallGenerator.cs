using System.Text;
using Caracal.Rego.Builtins;

namespace Caracal.Rego.Tests.Fuzz;

/// <summary>Writes programs that call every builtin of the product with operands nobody would give them.</summary>
internal sealed class CallGenerator(int seed)
{
    private static readonly Builtin[] s_builtins =
    [
        .. BuiltinTable.All
            .Where(b => !b.IsDeprecated && !RegoCompilerOptions.Product.DeniedBuiltins.Contains(b.Name) && !b.Name.StartsWith("internal.", StringComparison.Ordinal))
            .OrderBy(b => b.Name, StringComparer.Ordinal),
    ];

    private static readonly string[] s_numbers =
        ["0", "1", "-1", "2", "-7", "64", "1e3", "0.5", "-2.5", "1e400", "1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
            "123456789012345678901234567890", "0.1234567890123456789", "1000001", "2147483648", "1700000000000000000"];

    private static readonly string[] s_texts =
        ["", "a", "b", "ab", "aaaa", "Ä", "ß", "😀", "a😀b", "\\ud83d", "\\ufffd", "\\u0000", "\\u0130", "{}", "[1,{\\\"a\\\":2}]", "[", "{\\\"a\\\":", "1e999999", "null",
            "a/b", "/a/~1", "~", "a.b", "*", "**", "[a-z]*", "{a,b}", "(a+)+$", "(?i)x", "[", "a{1001}", "\\\\p{Greek}", "\\\\b", "x**", "%d %s %v", "%!", "%-099999d", "%*d", "%.999999f",
            "10.0.0.0/8", "::1/128", "10.0.0.300", "2006-01-02", "Mon Jan _2", "15:04:05.999999999Z07:00", "Europe/Berlin", "2024-02-30T25:00:00Z", "1h2m", "-9999999h", "1.2.3", "1.2.3-a+b",
            "10K", "1.5Gi", "9e99999Ti", "aGVsbG8", "aGVsbG8=", "zz", "6f", "%20%zz", "a=1&a=2", "===", "RS256", "12345678-1234-1234-1234-123456789012",
            "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.sig", "a.b.c", "- a\\n- b", "a: [", "&a [*a]", "{{x}}"];

    private readonly Random _random = new(seed);

    public string Module()
    {
        var sb = new StringBuilder("package fuzz\nimport rego.v1\nid(x) := x\n");
        for (var i = 0; i < 6; i++)
        {
            var builtin = s_builtins[_random.Next(s_builtins.Length)];
            // Operands go through a function, so that they are judged at run time and not refused by the compiler.
            var args = string.Join(", ", Enumerable.Range(0, builtin.Arity).Select(n => $"id({Operand(builtin, n)})"));
            var call = $"{builtin.Name}({args})";
            sb.Append(_random.Next(6) switch
            {
                0 => $"r{i} := [x | x := {call}]\n",
                1 => $"r{i} if not {call}\n",
                2 => $"r{i} := x if x := {call} with input as {Value(2)}\n",
                3 => $"r{i} contains {call}\n",
                4 => $"r{i} := [{call}, {call}]\n",
                _ => $"r{i} := {call}\n",
            });
        }

        return sb.ToString();
    }

    /// <summary>Mostly an operand of a type the builtin takes: refusing a type is done before anything interesting.</summary>
    private string Operand(Builtin builtin, int index)
    {
        if (_random.Next(8) == 0) return Value(3);
        var kinds = Enum.GetValues<RegoKind>().Where(k => builtin.Accepts(index, k)).ToArray();
        return Value(kinds[_random.Next(kinds.Length)], 3);
    }

    private string Value(int depth) => Value((RegoKind)_random.Next(7), depth);

    private string Value(RegoKind kind, int depth)
    {
        if (depth == 0 && kind >= RegoKind.Array) kind = (RegoKind)_random.Next(4);
        return kind switch
        {
            RegoKind.Null => "null",
            RegoKind.Boolean => _random.Next(2) == 0 ? "true" : "false",
            RegoKind.Number => Pick(s_numbers),
            RegoKind.String => Text(),
            RegoKind.Array when _random.Next(10) == 0 => "numbers.range(0, 3000)",
            RegoKind.Array => $"[{Items(depth)}]",
            RegoKind.Set => _random.Next(5) == 0 ? "set()" : $"{{{Value(depth - 1)}, {Items(depth)}}}".Replace(", }", "}", StringComparison.Ordinal),
            _ => "{" + string.Join(", ", Enumerable.Range(0, _random.Next(4)).Select(_ => $"{Value(depth - 1)}: {Value(depth - 1)}")) + "}",
        };
    }

    private string Items(int depth) => string.Join(", ", Enumerable.Range(0, _random.Next(4)).Select(_ => Value(depth - 1)));

    private string Text() => _random.Next(12) switch
    {
        0 => $"concat(\"\", [t | some _ in numbers.range(0, 500); t := \"{Pick(s_texts)}\"])",
        1 => $"\"{Pick(s_texts)}{Pick(s_texts)}\"",
        2 => $"\"{Pick(s_texts)}/{Pick(s_texts)}\"",
        _ => $"\"{Pick(s_texts)}\"",
    };

    private string Pick(string[] from) => from[_random.Next(from.Length)];
}
