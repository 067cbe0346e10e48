using Caracal.Rego;

namespace Caracal.Rego.Tests.Values;

public class NumberTests
{
    [Theory]
    [InlineData("0.1 + 0.2", "0.3")]
    [InlineData("1 / 3", "0.33333333333333333334")]
    [InlineData("3.3 - 1.1", "2.1999999999999999998")]
    [InlineData("1e2", "100")]
    [InlineData("9223372036854775807 + 1", "9223372036854775808")]
    [InlineData("-9223372036854775808 - 1", "-9223372036854775809")]
    [InlineData("9223372036854775807 * 9223372036854775807", "85070591730234615847396907784232501249")]
    [InlineData("4.0 + 1", "5")]
    [InlineData("6 / 4", "1.5")]
    [InlineData("7 % -4", "3")]
    [InlineData("-7 % 4", "-3")]
    [InlineData("round(-2.5)", "-3")]
    [InlineData("round(2.4)", "2")]
    [InlineData("ceil(-1.5)", "-1")]
    [InlineData("floor(-1.5)", "-2")]
    [InlineData("abs(-0.5)", "0.5")]
    [InlineData("(1 / 3) * 3 == 1", "true")]
    [InlineData("1 == 1.0", "true")]
    [InlineData("1e400 > 1e399", "true")]
    [InlineData("0.1234567890123456789 > 0.1234567890123456788", "true")]
    [InlineData("-0 == 0", "true")]
    [InlineData("{1, 1.0, 1e0}", "[1]")]
    [InlineData("1\n-1", "0")]
    public void Arithmetic_follows_the_specification(string expression, string expected) =>
        Assert.Equal(expected, Policy.Value(expression));

    [Theory]
    [InlineData("1 / 0", "eval_builtin_error: div: divide by zero")]
    [InlineData("1 / 0.0", "eval_builtin_error: div: divide by zero")]
    [InlineData("1 % 0", "eval_builtin_error: rem: modulo by zero")]
    [InlineData("1.5 % 1", "eval_builtin_error: rem: modulo on floating-point number")]
    public void Impossible_arithmetic_is_undefined_unless_strict(string expression, string error)
    {
        var policy = Policy.Compile("package t\np := " + expression);
        var lenient = policy.Ask("data.t.p");
        Assert.False(lenient.IsDefined);
        Assert.Equal(1, lenient.SuppressedErrors);
        Assert.Equal($"m0.rego:2: {error}", policy.Show("data.t.p", options: new EvalOptions { StrictBuiltinErrors = true }));
    }

    [Fact]
    public void A_number_keeps_its_exact_value_from_input_to_output()
    {
        var policy = Policy.Compile("package t\np := input");
        Assert.Equal("12345678901234567890.5", policy.Show("data.t.p", "12345678901234567890.5"));
        Assert.Equal("0.1", policy.Show("data.t.p", "0.10"));
        Assert.Equal("1e-10", policy.Show("data.t.p", "1e-10"));
    }

    [Theory]
    [InlineData("1e100001")]
    [InlineData("01")]
    [InlineData("1.")]
    [InlineData("+1")]
    [InlineData("")]
    [InlineData("1e")]
    [InlineData("NaN")]
    public void Text_that_is_no_number_is_refused(string text) => Assert.Throws<FormatException>(() => RegoValue.Number(text));

    [Fact]
    public void Equal_numbers_hash_equally()
    {
        foreach (var (a, b) in new[] { ("1", "1.0"), ("100", "1e2"), ("0", "-0"), ("1e30", "1000000000000000000000000000000"), ("0.5", "5e-1") })
        {
            Assert.Equal(RegoValue.Number(a), RegoValue.Number(b));
            Assert.Equal(RegoValue.Number(a).GetHashCode(), RegoValue.Number(b).GetHashCode());
        }
    }

    [Fact]
    public void Vast_results_are_errors_not_memory() =>
        Assert.Equal("undefined", Policy.Value("product([x | some _ in numbers.range(1, 4000); x := 1e30000])"));
}
