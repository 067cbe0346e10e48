using System.Diagnostics;
using System.Text;
using Caracal.Rego;

namespace Caracal.Rego.Tests.Limits;

public class HostilePolicyTests
{
    [Theory]
    [InlineData("p := [x | some x in numbers.range(1, 100000000)]")]
    [InlineData("p := count([1 | some a in input; some b in input; some c in input; a + b + c == -1])")]
    [InlineData("p := strings.replace_n({\"a\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}, sprintf(\"%4000s\", [concat(\"a\", [s | some i in numbers.range(1, 100000); s := \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"])]))")]
    [InlineData("p := x if { x := [[y, z] | some y in input; some z in input] }")]
    [InlineData("p := {x: y | some x in input; y := [[x, a, b] | some a in input; some b in [1]]}")]
    [InlineData("a := replace(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", \"a\", \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\")\nb := replace(a, \"b\", a)\nc := replace(b, \"b\", b)\nd := replace(c, \"b\", c)\np := replace(d, \"b\", d)")]
    [InlineData("p := bits.lsh(1, 1000000000)")]
    [InlineData("f0(x) := x\nf1(x) := [f0(x), f0(x), f0(x), f0(x)]\nf2(x) := [f1(x), f1(x), f1(x), f1(x)]\nf3(x) := [f2(x), f2(x), f2(x), f2(x)]\nf4(x) := [f3(x), f3(x), f3(x), f3(x)]\nf5(x) := [f4(x), f4(x), f4(x), f4(x)]\nf6(x) := [f5(x), f5(x), f5(x), f5(x)]\nf7(x) := [f6(x), f6(x), f6(x), f6(x)]\nf8(x) := [f7(x), f7(x), f7(x), f7(x)]\nf9(x) := [f8(x), f8(x), f8(x), f8(x)]\np := [f9(x) | some x in input]")]
    public void Costs_at_most_its_budget(string rules)
    {
        var policy = Policy.Compile("package t\n" + rules);
        var input = RegoValue.Array([.. Enumerable.Range(0, 10_000).Select(i => RegoValue.Number(i))]);
        var query = policy.Prepare("data.t.p");
        var watch = Stopwatch.StartNew();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var result = query.Evaluate(input);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"took {watch.Elapsed}");
        Assert.False(result.IsDefined, "the budget did not stop it");
        var code = (result.Error ?? result.FirstSuppressedError)?.Code;
        Assert.Contains(code, new[] { "eval_limit_error", "eval_cancel_error", "eval_builtin_error" });
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 64_000_000);
    }

    [Theory]
    [InlineData("json.marshal(s40)")]
    [InlineData("sprintf(\"%v\", [s40])")]
    [InlineData("{s40}")]
    [InlineData("s40 == t40")]
    [InlineData("count([1 | walk(s40, _)])")]
    [InlineData("sort([s40, t40])")]
    public void Shared_parts_do_not_multiply(string expression)
    {
        var doubled = string.Concat(Enumerable.Range(0, 40).Select(i => $"s{i + 1} := [s{i}, s{i}]\nt{i + 1} := [t{i}, t{i}]\n"));
        var policy = Policy.Compile($"package t\ns0 := [input]\nt0 := [input]\n{doubled}p := {expression}");
        var watch = Stopwatch.StartNew();
        Assert.Equal("eval_limit_error", policy.Ask("data.t.p", "1").Error!.Code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"took {watch.Elapsed}");
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|aa)+$")]
    [InlineData("(.*a){20}$")]
    [InlineData("([a-z]+)*\\d")]
    public void Regular_expressions_answer_in_linear_time(string pattern)
    {
        var policy = Policy.Compile($"package t\nimport rego.v1\np := regex.match(`{pattern}`, input)");
        var query = policy.Prepare("data.t.p");
        var watch = Stopwatch.StartNew();
        query.Evaluate(RegoValue.String(new string('a', 30_000) + "b"), new EvalOptions { Deadline = TimeSpan.FromSeconds(5) });
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"took {watch.Elapsed}");
    }

    [Theory]
    [InlineData("(?=a)")]
    [InlineData("(a)\\1")]
    [InlineData("a{1001}")]
    [InlineData("((a{100}){100}){100}")]
    [InlineData("a**")]
    [InlineData("[z-a]")]
    [InlineData("(?<n>a")]
    [InlineData("\\Z")]
    public void What_re2_refuses_is_refused(string pattern) =>
        Assert.Equal("false", Policy.Value($"regex.is_valid(`{pattern}`)"));

    [Fact]
    public void A_token_ends_an_evaluation()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var result = Policy.Compile("package t\np := 1 if input.x").Ask("data.t.p", "{\"x\":1}", new EvalOptions { CancellationToken = source.Token });
        Assert.Equal("eval_cancel_error", result.Error!.Code);
    }

    [Fact]
    public void A_step_limit_ends_an_evaluation()
    {
        var policy = Policy.Compile("package t\np := count([x | some x in input])");
        var input = "[" + string.Join(',', Enumerable.Range(0, 500)) + "]";
        Assert.Equal("500", policy.Show("data.t.p", input, new EvalOptions { StepLimit = 100_000 }));
        Assert.Contains("evaluation budget exceeded", policy.Show("data.t.p", input, new EvalOptions { StepLimit = 200 }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{", "}")]
    [InlineData("{1: ", "}")]
    [InlineData("f(", ")")]
    [InlineData("[x | y := ", "]")]
    [InlineData("$\"{", "}\"")]
    [InlineData("a[", "]")]
    [InlineData("not ", "")]
    [InlineData("{x | ", ", 1}")]
    [InlineData("1 + (", ")")]
    public void Deep_nesting_is_an_error_not_a_crash(string open, string close)
    {
        foreach (var depth in new[] { 257, 20_000 })
        {
            var text = new StringBuilder("package t\np if ");
            for (var i = 0; i < depth; i++) text.Append(open);
            text.Append('1');
            for (var i = 0; i < depth; i++) text.Append(close);
            if (text.Length > 262_144) continue;
            Assert.Equal("rego_parse_error", Policy.Errors(text.ToString())[0].Code);
        }
    }

    [Theory]
    [InlineData("1 + ", "1")]
    [InlineData("input.a.", "b")]
    [InlineData("x in ", "[1]")]
    [InlineData("x.y[0]\n", "true")]
    [InlineData("some x in [1]; ", "true")]
    [InlineData("every x in [1] { true }; ", "true")]
    [InlineData("1; ", "true")]
    [InlineData("x = y; ", "y = 1")]
    [InlineData("not false with input as ", "1")]
    [InlineData("f(1, ", "2)")]
    public void Long_texts_end_in_time(string part, string last)
    {
        var text = new StringBuilder("package t\np if { ");
        while (text.Length < 250_000) text.Append(part);
        text.Append(last).Append(" }");
        var watch = Stopwatch.StartNew();
        var compilation = RegoCompiler.Compile([new RegoModule("m.rego", text.ToString())]);
        if (compilation.Succeeded) compilation.Policy.Ask("data.t.p", "{}");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(12), $"took {watch.Elapsed}");
    }

    [Fact]
    public void A_module_beyond_its_size_is_not_read() =>
        Assert.Equal("content_too_large", Policy.Errors("package t\n" + new string('#', 300_000))[0].Code);

    [Fact]
    public void Hostile_policies_run_on_small_stacks()
    {
        var nested = "package t\np if { " + string.Concat(Enumerable.Range(0, 3_000).Select(i => $"some x{i} in [1]; ")) + "true }";
        EvalResult? result = null;
        var compiled = Policy.Compile(nested);
        var thread = new Thread(() => result = compiled.Ask("data.t.p"), 256 * 1024);
        thread.Start();
        thread.Join();
        Assert.NotNull(result);
        Assert.True(result.IsDefined || result.Error!.Code == "eval_limit_error");
    }

    [Fact]
    public void Parallel_evaluations_of_one_policy_agree()
    {
        var policy = Policy.Compile("package t\np[k] := v if { some k, v in input.xs; v in data.t.allowed }\nallowed := {x | some x in numbers.range(1, 50)}");
        var query = policy.Prepare("data.t.p");
        var input = RegoValue.FromJson("{\"xs\":{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"k{i}\":{i}")) + "}}");
        var expected = query.Evaluate(input).Value!.ToJson();
        Parallel.For(0, 64, _ => Assert.Equal(expected, query.Evaluate(input).Value!.ToJson()));
    }
}
