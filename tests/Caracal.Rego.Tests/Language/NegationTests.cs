namespace Caracal.Rego.Tests.Language;

/// <summary>
/// What <c>not</c> covers (rego.md 7.1): a security property, because a condition that is hoisted out of the negation fails
/// where the same condition inside it succeeds. Each row was derived from the text by hand.
/// </summary>
public class NegationTests
{
    private const string Rules =
        """
        package t
        import rego.v1
        f(x) := x
        g(x) := x if x == 1
        h := 1 if input.never
        q.r[k] := v if some k, v in {"a": 1, "b": false}
        s contains x if some x in [1, 2]
        boom(x) := false
        obj := {"a": {"b": false}}

        """;

    public static TheoryData<string, string, bool> Bodies { get; } = Read(
    [
        ["not input.x", "{}", true],
        ["not input.x", "{\"x\": false}", true],
        ["not input.x", "{\"x\": 0}", false],
        ["not input.x", "{\"x\": null}", false],
        ["not input.x == 1", "{}", true],
        ["not input.x == 1", "{\"x\": 1}", false],
        ["not input.x == 1", "{\"x\": 2}", true],
        ["not 1 == input.x", "{}", true],
        ["not input.x = 1", "{}", true],
        ["not input.x != 1", "{}", false],
        ["not input.x > 1", "{}", false],
        ["not input.x == input.y", "{}", true],
        ["not input.x == input.y", "{\"x\": 1}", true],
        ["not f(input.x)", "{}", false],
        ["not f(input.x)", "{\"x\": false}", true],
        ["not f(input.x)", "{\"x\": 1}", false],
        ["not g(2)", "{}", true],
        ["not g(1)", "{}", false],
        ["not g(input.x)", "{\"x\": 3}", true],
        ["not f(g(2))", "{}", false],
        ["not g(2) == 1", "{}", false],
        ["not g(1) == 1", "{}", false],
        ["not g(1) == 2", "{}", true],
        ["not 1 == g(2)", "{}", false],
        ["not g(2) = 1", "{}", false],
        ["not count(input.x) == 1", "{}", false],
        ["not count(input.x) == 1", "{\"x\": [1]}", false],
        ["not count(input.x) == 1", "{\"x\": []}", true],
        ["not count(g(2)) > 0", "{}", false],
        ["not [g(2)] == [1]", "{}", false],
        ["not obj[g(2)]", "{}", false],
        ["not g(2) > 1", "{}", false],
        ["not boom(1)", "{}", true],
        ["not f(boom(1))", "{}", true],
        ["not \"a\" in input.xs", "{}", false],
        ["not \"a\" in input.xs", "{\"xs\": []}", true],
        ["not input.x in [1]", "{}", false],
        ["not input.x in [1]", "{\"x\": 2}", true],
        ["not startswith(input.x, \"a\")", "{}", false],
        ["not startswith(input.x, \"a\")", "{\"x\": 1}", true],
        ["not startswith(input.x, \"a\")", "{\"x\": \"b\"}", true],
        ["not count([1 | input.x]) == 0", "{}", false],
        ["not count([1 | input.x]) > 0", "{}", true],
        ["not input.x + 1 == 2", "{}", false],
        ["not input.x + 1 == 2", "{\"x\": 1}", false],
        ["not input.x + 1 == 2", "{\"x\": 2}", true],
        ["not [1 | input.x] == [1]", "{}", true],
        ["not {x | x := input.x} == set()", "{}", false],
        ["not h", "{}", true],
        ["not h == 1", "{}", true],
        ["not data.t.h", "{}", true],
        ["not data.t.nope", "{}", true],
        ["not data.t.nope == 1", "{}", true],
        ["not [input.x] == [1]", "{}", false],
        ["not [input.x] == [1]", "{\"x\": 2}", true],
        ["not {\"k\": input.x} == {\"k\": 1}", "{}", false],
        ["not {input.x} == {1}", "{}", false],
        ["not obj[input.x]", "{}", false],
        ["not obj[input.x]", "{\"x\": \"zz\"}", true],
        ["not obj[input.x].b", "{\"x\": \"a\"}", true],
        ["not input.a[input.b]", "{}", false],
        ["not input.a[input.b]", "{\"b\": 1}", true],
        ["not input[input.a[input.b]]", "{\"b\": 1}", false],
        ["not [[input.x]] == [[1]]", "{}", false],
        ["not {\"k\": [1 | input.x]} == {\"k\": []}", "{}", false],
        ["not h in [1]", "{}", false],
        ["not [h]", "{}", false],
        ["not {h}", "{}", false],
        ["not {\"k\": h}", "{}", false],
        ["not [1]", "{}", false],
        ["not false", "{}", true],
        ["not true", "{}", false],
        ["not input.x with input as {\"x\": 1}", "{}", false],
        ["not input.x with input as {}", "{\"x\": 1}", true],
        ["not input.x > 1 with input as {\"x\": 5}", "{}", false],
        ["not input.x > 1 with input as {\"x\": 0}", "{}", true],
        ["not input.x > 1 with input.x as 0", "{}", true],
        ["not f(input.x) with f as false", "{\"x\": 1}", true],
        ["not f(input.x) with f as false", "{}", false],
        ["not f(input.x) with f as g", "{\"x\": 2}", true],
        ["not h with input.never as true", "{}", false],
        ["not h == 2 with input.never as true", "{}", true],
        ["not count(input.x) == 1 with input.x as [1]", "{}", false],
        ["not count(input.x) == 1 with count as 7", "{\"x\": [1]}", true],
        ["not input.x with input as input.y", "{}", false],
        ["not input.x with input as input.y", "{\"y\": {}}", true],
        ["not q.r.a", "{}", false],
        ["not q.r.b", "{}", true],
        ["not q.r.c", "{}", true],
        ["not q.r.c == 1", "{}", true],
        ["not q.r[input.k]", "{}", false],
        ["not q.r[input.k]", "{\"k\": \"b\"}", true],
        ["not s[1]", "{}", false],
        ["not s[3]", "{}", true],
        ["not 3 in s", "{}", true],
        ["not s[input.x]", "{}", false],
        ["every x in [1, 2] { not x > 2 }", "{}", true],
        ["every x in [1, 3] { not x > 2 }", "{}", false],
        ["every x in [1] { not input.y == x }", "{}", true],
        ["every x in [1] { not input.y > x }", "{}", false],
        ["every x in input.xs { not x }", "{}", false],
        ["every x in [] { not true }", "{}", true],
        ["every x in [false, false] { not x }", "{}", true],
        ["count([x | some x in [1, 2, 3]; not x == 2]) == 2", "{}", true],
        ["count([x | some x in [1, 2]; not input.m[x]]) == 2", "{}", true],
        ["count([x | some x in [1, 2]; not input.m[x] > 0]) == 0", "{}", true],
        ["some x in [1, 2]; not x == 1", "{}", true],
        ["some x in [1]; not x == 1", "{}", false],
        ["x := 1; not x == input.y", "{}", true],
        ["not count([x | some x in [1]; not x == 1]) == 0", "{}", false],
        ["y := {k | some k in [\"a\"]; not input[k]}; y == {\"a\"}", "{}", true],
        ["not input.a.b.c", "{\"a\": 5}", true],
        ["not input.a.b == null", "{\"a\": {\"b\": null}}", false],
        ["not input.s[0]", "{\"s\": \"str\"}", true],
        ["not input == {}", "{}", false],
        ["not input == {\"x\": 1}", "{}", true],
        ["not input", "{}", false],
        ["not false == input.x", "{}", true],
    ]);

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Covers_what_the_text_says(string body, string input, bool holds)
    {
        var policy = Policy.Compile(Rules + "p if { " + body + " }\n");
        Assert.Equal(holds ? "true" : "undefined", policy.Show("data.t.p", input));
        // The same in a comprehension, in a function and as the body of `every`: a body is a body.
        var nested = Policy.Compile(Rules + "c := [1 | " + body + "]\nfn(_) if { " + body + " }\nn if fn(1)\ne if { every _ in [1] { " + body + " } }\n");
        Assert.Equal(holds ? "[1]" : "[]", nested.Show("data.t.c", input));
        Assert.Equal(holds ? "true" : "undefined", nested.Show("data.t.n", input));
        Assert.Equal(holds ? "true" : "undefined", nested.Show("data.t.e", input));
    }

    [Fact]
    public void A_builtin_error_inside_a_negation_is_undefined_and_so_holds()
    {
        var policy = Policy.Compile("package t\nimport rego.v1\np if not startswith(input.x, \"a\")");
        Assert.Equal("true", policy.Show("data.t.p", "{\"x\": 1}"));
        var strict = policy.Ask("data.t.p", "{\"x\": 1}", new EvalOptions { StrictBuiltinErrors = true });
        Assert.Equal("eval_type_error", strict.Error!.Code);
    }

    [Theory]
    [InlineData("not input.xs[i]")]
    [InlineData("not x == 1")]
    [InlineData("not f(y)")]
    public void A_negation_binds_nothing(string body) =>
        Assert.Contains("rego_unsafe_var_error", Policy.Errors(Rules + "p if { " + body + " }\n")[0].ToString(), StringComparison.Ordinal);

    [Fact]
    public void A_conflict_inside_a_negation_ends_the_evaluation() =>
        Assert.Contains(
            "eval_conflict_error",
            Policy.Compile("package t\nimport rego.v1\na := 1\na := 2 if input.x\np if not a == 3").Show("data.t.p", "{\"x\": 1}"),
            StringComparison.Ordinal);

    private static TheoryData<string, string, bool> Read(object[][] rows)
    {
        var data = new TheoryData<string, string, bool>();
        foreach (var row in rows) data.Add((string)row[0], (string)row[1], (bool)row[2]);
        return data;
    }
}
