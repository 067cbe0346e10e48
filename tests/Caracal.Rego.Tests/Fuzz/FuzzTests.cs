using Caracal.Rego;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Rego.Tests.Fuzz;

public class FuzzTests
{
    private const string Input = "{\"x\":1,\"xs\":[1,\"a\",null,[2],{\"k\":3}],\"o\":{\"k\":\"b\",\"l\":2}}";

    private static readonly EvalOptions s_options = new() { Deadline = TimeSpan.FromSeconds(10), StepLimit = 200_000 };

    [Fact]
    public void A_thousand_programs_give_the_same_answer_twice_and_never_crash()
    {
        var compiled = 0;
        var defined = 0;
        for (var seed = 0; seed < 1_000; seed++)
        {
            var source = new ProgramGenerator(seed).Module();
            try
            {
                var compilation = RegoCompiler.Compile([new RegoModule("f.rego", source)], RegoCompilerOptions.Product);
                if (!compilation.Succeeded)
                {
                    Assert.DoesNotContain(compilation.Errors, e => e.Line == 0);
                    continue;
                }

                compiled++;
                var again = RegoCompiler.Compile([new RegoModule("f.rego", source)], RegoCompilerOptions.Product).Policy!;
                var first = compilation.Policy.Show("data.fuzz", Input, s_options);
                Assert.Equal(first, again.Show("data.fuzz", Input, s_options));
                Assert.Equal(first, compilation.Policy.Show("data.fuzz", Input, s_options with { Explain = true }));
                // A query that replaces something uses no kept values: folding must not change an answer.
                Assert.Equal(first, compilation.Policy.Show("data.fuzz with data.elsewhere as 1", Input, s_options));
                CheckParts(compilation.Policy, first);
                if (!first.Contains("error", StringComparison.Ordinal)) defined++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {e}\n{source}");
            }
        }

        Assert.True(compiled > 300, $"only {compiled} programs compiled");
        Assert.True(defined > 150, $"only {defined} programs had a result");
    }

    /// <summary>A rule asked for by itself has the value it has in its package.</summary>
    private static void CheckParts(CompiledPolicy policy, string whole)
    {
        if (!whole.StartsWith('{')) return;
        var package = policy.Ask("data.fuzz", Input, s_options).Value!;
        for (var i = 0; i < 7; i++)
        {
            var expected = package.TryGet($"r{i}", out var value) ? value.ToJson() : "undefined";
            Assert.Equal(expected, policy.Show($"data.fuzz.r{i}", Input, s_options));
        }
    }

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            RegoParser.Inspect(text ?? "");
            RegoParser.Inspect("package t\n" + text);
            RegoParser.Inspect("package t\np if " + text, RegoLanguageMode.V1);
        }));

    [Fact]
    public void Damaged_programs_are_compiled_or_refused()
    {
        var random = new Random(7);
        for (var i = 0; i < 1_500; i++)
        {
            var source = new ProgramGenerator(i).Module().ToCharArray().ToList();
            for (var edits = random.Next(1, 6); edits > 0; edits--)
            {
                var at = random.Next(source.Count);
                switch (random.Next(3))
                {
                    case 0:
                        source.RemoveAt(at);
                        break;
                    case 1:
                        source.Insert(at, "{}[]()|:=;,.\"`$\\\n_x1-#"[random.Next(22)]);
                        break;
                    default:
                        source[at] = source[random.Next(source.Count)];
                        break;
                }
            }

            var text = new string([.. source]);
            var compilation = RegoCompiler.Compile([new RegoModule("f.rego", text)], RegoCompilerOptions.Product);
            if (compilation.Succeeded) compilation.Policy.Ask("data.fuzz", Input, s_options);
        }
    }
}
