namespace Caracal.Rego.Tests.Language;

public class CompileErrorTests
{
    [Theory]
    [InlineData("p if x > 1", 2, 6, "rego_unsafe_var_error: var x is unsafe")]
    [InlineData("p if {\n  true\n  y == z\n}", 4, 3, "rego_unsafe_var_error: var y is unsafe")]
    [InlineData("p if q\nq if r\nr if p", 2, 1, "rego_recursion_error: rule data.t.p is recursive: data.t.p -> data.t.q -> data.t.r -> data.t.p")]
    [InlineData("p if { x := 1; x := 2 }", 2, 16, "rego_compile_error: var x assigned above")]
    [InlineData("p if nope(1)", 2, 6, "rego_type_error: undefined function nope")]
    [InlineData("p if count(1)", 2, 6, "rego_type_error: count: invalid argument(s)")]
    [InlineData("p := [1 | f(y)]\nf(_) := 1", 2, 13, "rego_unsafe_var_error: var y is unsafe")]
    [InlineData("p if not input.xs[_] == 1", 2, 19, "rego_unsafe_var_error: var _ is unsafe")]
    [InlineData("p contains x", 2, 12, "rego_unsafe_var_error: var x is unsafe")]
    [InlineData("p := 1e1000000", 2, 6, "rego_parse_error: number too big")]
    public void Errors_name_their_place(string rule, int line, int column, string text)
    {
        var error = Policy.Errors("package t\n" + rule)[0];
        Assert.Equal($"m.rego:{line}: {text}", error.ToString());
        Assert.Equal(column, error.Column);
    }

    [Fact]
    public void At_most_ten_errors_are_shown() =>
        Assert.Equal(10, Policy.Errors("package t\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"p{i} if x{i} > 1\n"))).Count);

    [Fact]
    public void Recursion_is_found_through_packages_and_dynamic_references()
    {
        Assert.Equal("rego_recursion_error", Policy.Errors("package t\np := data.t")[0].Code);
        Assert.Equal("rego_recursion_error", Policy.Errors("package t\np := data.t[x] if x := input.k\nq := 1")[0].Code);
        Assert.Equal("rego_recursion_error", Policy.Errors("package t\nf(x) := g(x)\ng(x) := f(x)")[0].Code);
    }

    [Fact]
    public void A_dynamic_reference_that_cannot_reach_the_rule_is_no_recursion() =>
        Policy.Compile("package t\np := data[x].allow if x := \"u\"", "package u\nallow := 1");

    [Fact]
    public void Order_of_statements_does_not_matter() =>
        Assert.Equal("3", Policy.Compile("package t\np := z if {\n  z == y + 1\n  y := 2\n  z = 3\n}").Show("data.t.p"));
}
