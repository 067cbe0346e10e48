using System.Diagnostics;
using System.Text;

namespace Caracal.Rego.Tests.Limits;

/// <summary>Modules written to break the parser, the compiler or the process: each is refused, or costs what it may cost.</summary>
public class HostileModuleTests
{
    private const int Longest = 262_144;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(12);

    [Theory]
    [InlineData("p := \"", "a", "\"")]
    [InlineData("p := `", "\n", "`")]
    [InlineData("p := [", "[],", "]")]
    [InlineData("p := {", "1,", "1}")]
    [InlineData("p := {", "\"k\": 1,", "}")]
    [InlineData("# ", "#", "")]
    [InlineData("", "# c\n", "p := 1")]
    [InlineData("p if { true", ";true", " }")]
    [InlineData("p := 1 if false\n", "else := 1 if false\n", "")]
    [InlineData("p := $\"", "{1}", "\"")]
    [InlineData("p := 1", "1", "")]
    [InlineData("p := 0.", "9", "")]
    [InlineData("p := 1 ", "+ 1 ", "")]
    [InlineData("p := x if { x := 1", " with input as 1", " }")]
    [InlineData("p := ", "a.", "b")]
    [InlineData("p := a", "[\"b\"]", "")]
    [InlineData("f(", "_, ", "_) := 1")]
    [InlineData("", "p := 1\n", "")]
    [InlineData("", "p contains 1\n", "")]
    [InlineData("", "import data.a\n", "p := 1")]
    [InlineData("p := \"", "\\ud83d", "\"")]
    [InlineData("p := ", "{1 | ", "")]
    [InlineData("p := ", "[1 | x := ", "")]
    [InlineData("p if { ", "every x in [] { ", "")]
    [InlineData("p := ", "f(", "")]
    [InlineData("p := (1 ", "| (1 ", "")]
    [InlineData("p := ", "\u00e4", "")]
    [InlineData("p := \"", "\ud83d\ude00", "\"")]
    [InlineData("p := \"", "\ud83d", "\"")]
    [InlineData("p := \"", "\0", "\"")]
    public void A_module_as_long_as_one_may_be_ends_in_time(string start, string part, string end)
    {
        var text = new StringBuilder("package t\nimport rego.v1\n").Append(start);
        while (text.Length + part.Length + end.Length <= Longest) text.Append(part);
        var source = text.Append(end).ToString();

        var watch = Stopwatch.StartNew();
        RegoParser.Inspect(source);
        var compilation = RegoCompiler.Compile([new RegoModule("m.rego", source)], RegoCompilerOptions.Product);
        if (compilation.Succeeded) compilation.Policy.Ask("data.t.p", "{}");
        else Assert.All(compilation.Errors, e => Assert.True(e.ToString().Length < Longest + 1_000));
        Assert.True(watch.Elapsed < s_time, $"took {watch.Elapsed}");
    }

    [Fact]
    public void Three_hundred_modules_are_one_policy()
    {
        var modules = Enumerable.Range(0, 300)
            .Select(i => new RegoModule($"m{i}.rego", $"package t.p{i}\nimport rego.v1\nall contains x if {{ some x in input.xs; x > {i} }}\nnext := data.t.p{i + 1}.value\nvalue := {i}\n"))
            .ToList();
        var watch = Stopwatch.StartNew();
        var compilation = RegoCompiler.Compile(modules, RegoCompilerOptions.Product);
        Assert.True(compilation.Succeeded, string.Join("\n", compilation.Errors));
        Assert.Equal("300", compilation.Policy.Show("count(data.t)", "{\"xs\": [1, 500]}"));
        Assert.Equal("7", compilation.Policy.Show("data.t.p6.next", "{}"));
        Assert.True(watch.Elapsed < s_time, $"took {watch.Elapsed}");
    }

    [Fact]
    public void More_modules_or_more_text_than_allowed_are_refused()
    {
        var many = Enumerable.Range(0, 513).Select(i => new RegoModule($"m{i}.rego", "package t")).ToList();
        Assert.Contains("more than 512 modules", RegoCompiler.Compile(many).Errors[0].Message, StringComparison.Ordinal);
        var long1 = "package t\n#" + new string('x', 200_000);
        var vast = Enumerable.Range(0, 50).Select(i => new RegoModule($"m{i}.rego", long1)).ToList();
        Assert.Contains("characters in total", RegoCompiler.Compile(vast).Errors[0].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("f(x) := g(x)\ng(x) := f(x)\np := f(1)")]
    [InlineData("f(x) := x\ng(x) := f(x) with data.t.f as data.t.g\np := f(1) with data.t.f as data.t.g")]
    [InlineData("f(x) := x\np := f(1) with data.t.f as data.t.h\nh(x) := f(x) with data.t.f as data.t.h")]
    [InlineData("p := count([1]) with count as data.t.h\nh(x) := count(x) with count as data.t.h")]
    [InlineData("p := q with input.a as 1\nq := r with input.b as 2\nr := p with input.c as 3")]
    [InlineData("p[x] := y if { some x in input.xs; y := data.t[input.k][x] }")]
    public void Recursion_by_any_way_is_an_error_or_ends(string rules)
    {
        var compilation = RegoCompiler.Compile([new RegoModule("m.rego", "package t\nimport rego.v1\n" + rules.Replace(":= f(1) with", ":= x if x := f(1) with", StringComparison.Ordinal))]);
        if (!compilation.Succeeded)
        {
            Assert.Contains(compilation.Errors[0].Code, new[] { "rego_recursion_error", "rego_parse_error" });
            return;
        }

        var result = compilation.Policy.Ask("data.t.p", "{\"xs\": [1], \"k\": \"p\"}");
        Assert.True(result.IsDefined || result.Error is null || result.Error.Code == "eval_limit_error", result.Error?.ToString());
    }

    [Fact]
    public void Constants_that_are_vast_do_not_fill_the_process()
    {
        var rules = string.Concat(Enumerable.Range(0, 200).Select(i => $"p{i} := numbers.range({i}, {i + 900_000})\n"));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        var compilation = RegoCompiler.Compile([new RegoModule("m.rego", "package t\n" + rules)], RegoCompilerOptions.Product);
        Assert.True(compilation.Succeeded);
        Assert.True(watch.Elapsed < s_time, $"took {watch.Elapsed}");
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(kept < 600L * 1024 * 1024, $"keeps {kept / 1024 / 1024} MiB");
        GC.KeepAlive(compilation);
    }

    [Theory]
    [InlineData("count(\"\ud83d\ude00\")", "1")]
    [InlineData("sort([\"\ufffd\", \"\ud83d\ude00\"])", "[\"\ufffd\",\"\ud83d\ude00\"]")]
    [InlineData("upper(\"\u00df\")", "\"\u00df\"")]
    [InlineData("substring(\"a\ud83d\ude00b\", 1, 1)", "\"\ud83d\ude00\"")]
    [InlineData("\"\u00e4\" == \"a\u0308\"", "false")]
    [InlineData("strings.reverse(\"a\ud83d\ude00\")", "\"\ud83d\ude00a\"")]
    [InlineData("count(\"\\ud83d\")", "1")]
    [InlineData("split(\"\ud83d\ude00x\", \"\")", "[\"\ud83d\ude00\",\"x\"]")]
    public void Characters_beyond_the_basic_plane_are_one(string expression, string expected) =>
        Assert.Equal(expected, Policy.Value(expression));

    [Theory]
    [InlineData("1e30000 * 1e30000")]
    [InlineData("bits.lsh(1, 131072) * bits.lsh(1, 131072)")]
    [InlineData("to_number(sprintf(\"1%0100000d\", [0]))")]
    [InlineData("1e30000 % 7")]
    [InlineData("numbers.range(0, 1e30)")]
    [InlineData("format_int(bits.lsh(1, 130000), 10)")]
    [InlineData("units.parse(\"9e99999Ti\")")]
    [InlineData("round(1e30000)")]
    [InlineData("1e30000 == 1e30000")]
    public void Huge_numbers_cost_little(string expression)
    {
        var policy = Policy.Compile("package t\np := " + expression + " if input.x");
        var watch = Stopwatch.StartNew();
        policy.Ask("data.t.p", "{\"x\": 1}");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"took {watch.Elapsed}");
    }
}
