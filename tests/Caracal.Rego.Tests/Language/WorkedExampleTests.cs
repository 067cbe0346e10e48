namespace Caracal.Rego.Tests.Language;

public class WorkedExampleTests
{
    [Fact]
    public void Undefined_false_and_negation()
    {
        var policy = Policy.Compile(
            """
            package t
            import rego.v1
            a := input.x
            b if not input.x
            c if not input.x == 1
            d if not input.x > 1
            e if not startswith(input.x, "a")
            f if not "a" in input.xs
            """);
        Assert.Equal("{\"b\":true,\"c\":true}", policy.Show("data.t", "{}"));
        Assert.Equal("{\"a\":0,\"c\":true,\"d\":true,\"e\":true,\"f\":true}", policy.Show("data.t", "{\"x\":0,\"xs\":[]}"));
    }

    [Theory]
    [InlineData("not f(input.x)")]
    [InlineData("not obj[input.x]")]
    [InlineData("not [input.x] == [1]")]
    [InlineData("not input.a[input.x]")]
    [InlineData("not count(input.x) == 1")]
    [InlineData("not input.x in [1]")]
    public void Not_does_not_cover_what_is_hoisted(string literal)
    {
        var policy = Policy.Compile($"package t\nobj := {{1: true}}\nf(x) if x == 1\np if {literal}");
        Assert.Equal("undefined", policy.Show("data.t.p", "{}"));
    }

    [Theory]
    [InlineData("not input.x")]
    [InlineData("not input.x == 1")]
    [InlineData("not input.x = 1")]
    [InlineData("not data.nothing.here")]
    [InlineData("not input.x.y.z == input.w")]
    [InlineData("not false")]
    [InlineData("not undefined_rule")]
    public void Not_covers_the_rest(string literal)
    {
        var policy = Policy.Compile($"package t\nundefined_rule if false\np if {literal}");
        Assert.Equal("true", policy.Show("data.t.p", "{}"));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("0")]
    [InlineData("\"\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void Only_false_and_undefined_fail(string value) =>
        Assert.Equal("true", Policy.Compile($"package t\np if input.x").Show("data.t.p", $"{{\"x\":{value}}}"));

    [Fact]
    public void Two_values_of_a_complete_rule_conflict()
    {
        var policy = Policy.Compile("package t\np := 1\np := 2\nq := 3\nr[k] := v if some v, k in [\"a\", \"a\"]");
        Assert.Equal("m0.rego:3: eval_conflict_error: complete rules must not produce multiple outputs", policy.Show("data.t.p"));
        Assert.Equal("3", policy.Show("data.t.q"));
        Assert.Contains("object keys must be unique", policy.Show("data.t.r"), StringComparison.Ordinal);
        Assert.Contains("eval_conflict_error", policy.Show("data.t"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"n\":20}", "\"high\"")]
    [InlineData("{\"n\":5}", "\"low\"")]
    [InlineData("{\"n\":-1}", "\"none\"")]
    [InlineData("{}", "\"none\"")]
    public void Else_and_default(string input, string expected)
    {
        var policy = Policy.Compile(
            """
            package t
            import rego.v1
            default level := "none"
            level := "high" if input.n > 10
            else := "low" if input.n > 0
            """);
        Assert.Equal(expected, policy.Show("data.t.level", input));
    }

    [Fact]
    public void With_ends_with_its_literal() =>
        Assert.Equal("[1,2]", Policy.Compile("package t\np := [x, y] if { x := input.a with input.a as 1; y := input.a }").Show("data.t.p", "{\"a\":2}"));

    [Fact]
    public void Rules_may_have_references_as_heads() =>
        Assert.Equal(
            "{\"a\":{\"r\":0},\"b\":{\"r\":1},\"c\":{\"s\":[1]}}",
            Policy.Compile("package t\np[q].r := i if q := [\"a\", \"b\"][i]\np.c.s contains 1").Show("data.t.p"));

    [Fact]
    public void Templates_render_what_is_undefined() =>
        Assert.Equal("\"a <undefined> {\\\"k\\\": [1]} {x}\"", Policy.Value("$\"{\"a\"} {input.no} {{\"k\": [1]}} \\{x}\"", "{}"));

    [Fact]
    public void Every_needs_each_element()
    {
        var policy = Policy.Compile("package t\np if every x in input.xs { x > 1 }\nq if every k, v in {\"a\": 1} { k == \"a\"; v == 1 }");
        Assert.Equal("true", policy.Show("data.t.p", "{\"xs\":[]}"));
        Assert.Equal("true", policy.Show("data.t.p", "{\"xs\":[2,3]}"));
        Assert.Equal("undefined", policy.Show("data.t.p", "{\"xs\":[2,1]}"));
        Assert.Equal("undefined", policy.Show("data.t.p", "{}"));
        Assert.Equal("true", policy.Show("data.t.q"));
    }

    [Fact]
    public void A_rule_may_be_replaced_by_with_and_its_cache_is_kept_apart()
    {
        var policy = Policy.Compile(
            """
            package t
            base := 1
            uses := base + 1
            p := [uses, y, uses] if { y := uses with data.t.base as 10 }
            """);
        Assert.Equal("[2,11,2]", policy.Show("data.t.p"));
    }

    [Fact]
    public void Functions_can_be_replaced_and_call_the_original()
    {
        var policy = Policy.Compile(
            """
            package t
            f(x) := x + 1
            g(x) := f(x) * 10
            p := x if x := f(1) with f as g
            q := x if x := count([1]) with count as 7
            """);
        Assert.Equal("20", policy.Show("data.t.p"));
        Assert.Equal("7", policy.Show("data.t.q"));
    }

    [Fact]
    public void Queries_give_all_solutions()
    {
        var result = Policy.Compile("package t\np := [\"a\", \"b\"]").Ask("data.t.p[i] = x; i < 5");
        Assert.Equal(["0a", "1b"], result.Bindings.Select(b => b["i"].ToJson() + b["x"].AsString()));
    }

    [Fact]
    public void Base_objects_answer_to_integers()
    {
        var policy = Policy.Compile("package t\np := data.nested[2]\nq := input.nested[2]").WithData(RegoValue.FromJson("{\"nested\":{\"2\":\"two\"}}"));
        Assert.Equal("\"two\"", policy.Show("data.t.p"));
        Assert.Equal("undefined", policy.Show("data.t.q", "{\"nested\":{\"2\":\"two\"}}"));
    }

    [Fact]
    public void A_false_value_is_still_a_value() => Assert.Equal("false", Policy.Compile("package t\np := false").Show("data.t.p"));
}
