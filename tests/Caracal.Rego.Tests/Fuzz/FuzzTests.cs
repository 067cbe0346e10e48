using Caracal.Rego;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Rego.Tests.Fuzz;

/// <summary>
/// Programs from seeds: a thousand of each kind here; <c>CARACAL_FUZZ_PROGRAMS=1000000</c> makes a night run of it and
/// <c>CARACAL_FUZZ_SEED</c> starts elsewhere. Progress goes to stderr.
/// </summary>
public class FuzzTests
{
    private const string Input = "{\"x\":1,\"xs\":[1,\"a\",null,[2],{\"k\":3}],\"o\":{\"k\":\"b\",\"l\":2}}";

    private static readonly EvalOptions s_options = new() { Deadline = TimeSpan.FromSeconds(10) };

    [Fact]
    public void Programs_give_the_same_answer_twice_and_reach_no_limit()
    {
        var run = new FuzzRun("programs");
        run.All(static seed => new ProgramGenerator(seed).Module(), CheckProgram);
        Assert.True(run.Compiled > FuzzRun.Wanted * 0.3, run.ToString());
        Assert.True(run.Defined > FuzzRun.Wanted * 0.15, run.ToString());
        // About one program in a million nests loops over recomputed rules so deep that the product's budget ends it.
        Assert.True(run.Limits <= FuzzRun.Wanted / 100_000, run.ToString());
    }

    [Fact]
    public void Damaged_programs_are_compiled_or_refused()
    {
        var run = new FuzzRun("damaged");
        run.All(
            static seed => new Damage(seed).Of(new ProgramGenerator(seed).Module(), new ProgramGenerator(seed + 1).Module()),
            static (run, source) =>
            {
                CheckLayout(source);
                var compilation = Compile(source);
                if (!compilation.Succeeded)
                {
                    Assert.NotEmpty(compilation.Errors);
                    return;
                }

                run.NoteCompiled();
                run.Note(compilation.Policy.Ask("data.fuzz", Input, s_options));
            });
        Assert.True(run.Compiled > FuzzRun.Wanted * 0.02, run.ToString());
    }

    [Fact]
    public void Builtins_take_any_operand()
    {
        var run = new FuzzRun("calls");
        run.All(static seed => new CallGenerator(seed).Module(), static (run, source) =>
        {
            var compilation = Compile(source);
            if (!compilation.Succeeded) return;
            run.NoteCompiled();
            var first = compilation.Policy.Ask("data.fuzz", Input, s_options);
            run.Note(first);
            var again = compilation.Policy.Ask("data.fuzz with data.elsewhere as 1", Input, s_options);
            // Values kept with the policy were paid for when it was made: only limits may tell the two apart.
            if (!EndedByLimit(first) && !EndedByLimit(again)) Assert.Equal(Show(first), Show(again));
        });
        Assert.True(run.Compiled > FuzzRun.Wanted * 0.9, run.ToString());
        Assert.True(run.Defined > FuzzRun.Wanted * 0.5, run.ToString());
    }

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            RegoParser.Inspect(text ?? "");
            RegoParser.Inspect("package t\n" + text);
            RegoParser.Inspect("package t\np if " + text, RegoLanguageMode.V1);
        }));

    private static void CheckProgram(FuzzRun run, string source)
    {
        var compilation = Compile(source);
        if (!compilation.Succeeded)
        {
            Assert.DoesNotContain(compilation.Errors, e => e.Line == 0);
            return;
        }

        CheckLayout(source);
        run.NoteCompiled();
        var result = compilation.Policy.Ask("data.fuzz", Input, s_options);
        run.Note(result);
        var first = Show(result);
        Assert.Equal(first, Compile(source).Policy!.Show("data.fuzz", Input, s_options));
        Assert.Equal(first, compilation.Policy.Show("data.fuzz", Input, s_options with { Explain = true }));
        // A query that replaces something uses no kept values: folding must not change an answer.
        Assert.Equal(first, compilation.Policy.Show("data.fuzz with data.elsewhere as 1", Input, s_options));
        CheckParts(compilation.Policy, result);
    }

    /// <summary>What can be read can be formatted, and stays as it is when formatted again.</summary>
    private static void CheckLayout(string source)
    {
        if (!RegoParser.Inspect(source).Succeeded) return;
        var formatted = RegoFormatter.Format(source);
        Assert.True(formatted.Succeeded, string.Join(", ", formatted.Errors));
        Assert.Equal(formatted.Text, RegoFormatter.Format(formatted.Text).Text);
    }

    /// <summary>A rule asked for by itself has the value it has in its package.</summary>
    private static void CheckParts(CompiledPolicy policy, EvalResult whole)
    {
        if (whole.Value is not { } package) return;
        for (var i = 0; i < 7; i++)
        {
            var expected = package.TryGet($"r{i}", out var value) ? value.ToJson() : "undefined";
            Assert.Equal(expected, policy.Show($"data.fuzz.r{i}", Input, s_options));
        }
    }

    private static RegoCompilation Compile(string source) =>
        RegoCompiler.Compile([new RegoModule("f.rego", source)], RegoCompilerOptions.Product);

    private static bool EndedByLimit(EvalResult result) => result.Error?.Code is "eval_limit_error" or "eval_cancel_error";

    private static string Show(EvalResult result) => result.Error?.ToString() ?? result.Value?.ToJson() ?? "undefined";
}
