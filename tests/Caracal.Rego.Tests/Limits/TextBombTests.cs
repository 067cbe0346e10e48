using System.Diagnostics;
using Caracal.Rego;

namespace Caracal.Rego.Tests.Limits;

/// <summary>Small policies that ask for vast texts, or for searches made to be slow: they cost their budget and no more.</summary>
public class TextBombTests
{
    // s is 1 MiB of the letter a, made in a few steps.
    private const string Long =
        "package t\nimport rego.v1\ns0 := sprintf(\"%4096s\", [\"\"])\ns1 := replace(s0, \" \", \"aaaaaaaaaaaaaaaa\")\ns := replace(s1, \"aaaaaaaaaaaaaaaa\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\")\n";

    [Theory]
    [InlineData("sprintf(\"%v\", [[s | some _ in numbers.range(1, 1000)]])")]
    [InlineData("json.marshal([s | some _ in numbers.range(1, 1000)])")]
    [InlineData("json.marshal_with_options([s | some _ in numbers.range(1, 1000)], {\"pretty\": true})")]
    [InlineData("$\"{[s | some _ in numbers.range(1, 1000)]}\"")]
    [InlineData("sprintf(\"%v\", [[bits.lsh(1, 100000) | some _ in numbers.range(1, 100000)]])")]
    [InlineData("json.marshal_with_options(1, {[s | some _ in numbers.range(1, 1000)]: 1})")]
    [InlineData("regex.replace(s, \"^.*$\", replace(s, \"a\", \"$0\"))")]
    [InlineData("[x | some _ in numbers.range(1, 100000); x := sprintf(\"%[1].1s%[1].1s%[1].1s\", [numbers.range(1, 100000)])]")]
    [InlineData("glob.match(\"*\", [\"a\" | some _ in numbers.range(1, 500000)], \"a\")")]
    public void A_vast_text_is_refused(string expression)
    {
        var policy = Policy.Compile(Long + "p := " + expression + " if input.x");
        var query = policy.Prepare("data.t.p");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        var result = query.Evaluate(RegoValue.FromJson("{\"x\": 1}"));
        Assert.False(result.IsDefined);
        Assert.Contains((result.Error ?? result.FirstSuppressedError)!.Code, new[] { "eval_limit_error", "eval_cancel_error", "eval_builtin_error" });
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"took {watch.Elapsed}");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 512L * 1024 * 1024);
    }

    [Theory]
    [InlineData("contains(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("indexof(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("indexof_n(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("strings.count(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("replace(s, concat(\"\", [half, \"b\", half]), \"\")")]
    [InlineData("split(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("strings.replace_n({concat(\"\", [half, \"b\"]): \"\"}, s)")]
    [InlineData("trim(s, concat(\"\", [half, \"b\", half]))")]
    [InlineData("object.subset({\"k\": numbers.range(1, 500000)}, {\"k\": array.concat([1 | some _ in numbers.range(1, 1000)], [2])})")]
    public void A_search_made_to_be_slow_is_linear_or_stopped(string expression)
    {
        var policy = Policy.Compile(Long + "half := substring(s, 0, count(s) / 4)\np := x if { input.x; x := " + expression + " }");
        var query = policy.Prepare("data.t.p");
        query.Evaluate(RegoValue.FromJson("{}"));
        var watch = Stopwatch.StartNew();
        query.Evaluate(RegoValue.FromJson("{\"x\": 1}"));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"took {watch.Elapsed}");
    }

    [Fact]
    public void Keys_in_keys_do_not_double_without_end()
    {
        var text = "1";
        for (var i = 0; i < 60; i++) text = "{" + text + ": 1}";
        var policy = Policy.Compile("package t\nimport rego.v1\nx := input.y\np := json.marshal(" + text.Replace("{1: 1}", "{x: 1}", StringComparison.Ordinal) + ")");
        Assert.Equal("eval_limit_error", policy.Ask("data.t.p", "{\"y\": 1}").Error!.Code);
    }

    [Theory]
    [InlineData("abcabcabd", "abcabd", 3)]
    [InlineData("aaaaaaaab", "aab", 6)]
    [InlineData("abababac", "ababac", 2)]
    [InlineData("aaaa", "b", -1)]
    public void Both_searches_find_the_same(string text, string part, int at)
    {
        Assert.Equal(at, text.IndexOf(part, StringComparison.Ordinal));
        // Long enough for the linear search: the part is made longer by a prefix of its own.
        var prefix = new string('x', 5_000);
        var policy = Policy.Compile("package t\nimport rego.v1\np := [indexof(input.text, input.part), strings.count(input.text, input.part), count(split(input.text, input.part)), contains(input.text, input.part), replace(input.text, input.part, \"-\")]");
        var long1 = prefix + text;
        var input = new RegoObjectBuilder().Add("text", long1).Add("part", prefix[..4_000] + text[..Math.Max(0, at)] + part).Build();
        var found = at >= 0;
        var result = policy.Prepare("data.t.p").Evaluate(input).Value!.Items;
        Assert.Equal(found ? RegoValue.Number(1_000) : RegoValue.Number(-1), result[0]);
        Assert.Equal(found ? RegoValue.Number(1) : RegoValue.Number(0), result[1]);
        Assert.Equal(found ? RegoValue.Number(2) : RegoValue.Number(1), result[2]);
        Assert.Equal(RegoValue.Boolean(found), result[3]);
        Assert.Equal(RegoValue.String(found ? prefix[..1_000] + "-" + text[(at + part.Length)..] : long1), result[4]);
    }
}
