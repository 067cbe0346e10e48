using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary>One test rule and what became of it.</summary>
internal sealed record TestOutcome(string Name, string File, int Line, bool Passed, TimeSpan Time, RegoError? Error, IReadOnlyList<RuleTrace> Rules);

/// <summary><c>caracal policy test</c>: every rule named <c>test_*</c>, and which lines the tests reached.</summary>
internal static class PolicyTest
{
    public static int Run(CommandContext context)
    {
        var arguments = context.Arguments;
        arguments.RequireKnown("json", "data", "run", "coverage", "threshold", "syntax", "all-builtins", "timeout");
        var threshold = arguments.Integer("threshold", 0, 0, 100);
        var modules = PolicySources.Modules([.. arguments.Operands.Skip(1)]);
        var report = new SourceReport(modules);
        var coverage = arguments.IsOn("coverage") || threshold > 0 ? new RegoCoverage() : null;
        var compilation = RegoCompiler.Compile(modules, PolicySources.Options(arguments) with { Coverage = coverage });
        if (!compilation.Succeeded)
        {
            report.Refuse(context, compilation.Errors);
            return 1;
        }

        var tests = TestRules.In(modules, PolicySources.Syntax(arguments), arguments.Value("run") ?? "");
        if (tests.Count == 0) throw new CommandFailure("no test: a test is a rule whose name starts with test_");
        var policy = compilation.Policy.WithData(PolicySources.Data(arguments));
        var outcomes = tests.Select(test => Run(policy, test, PolicyEval.Options(context))).ToList();
        context.Stop.ThrowIfCancellationRequested();

        var covered = coverage is null ? null : new CoverageReport(coverage.Lines, tests.Select(t => t.File));
        var enough = covered is null || covered.Percent >= threshold;
        if (context.Json) context.Terminal.Write(PolicyJson.Text(Json(outcomes, covered, report)));
        else Print(context.Terminal, outcomes, covered, enough ? null : threshold, report);
        return outcomes.TrueForAll(o => o.Passed) && enough ? 0 : 1;
    }

    private static TestOutcome Run(CompiledPolicy policy, TestRule test, EvalOptions options)
    {
        var query = policy.Prepare(test.Query);
        var started = Stopwatch.GetTimestamp();
        var result = query.Evaluate(null, options);
        var took = Stopwatch.GetElapsedTime(started);
        var passed = result.Error is null && result.Value is { Kind: RegoKind.Boolean } value && value.AsBoolean();
        // Only a failure is worth the cost of knowing why.
        var rules = passed ? [] : query.Evaluate(null, options with { Explain = true }).Rules;
        return new TestOutcome(test.Name, test.File, test.Line, passed, took, result.Error, rules);
    }

    private static void Print(Terminal terminal, List<TestOutcome> outcomes, CoverageReport? covered, int? missed, SourceReport report)
    {
        var width = outcomes.Max(o => o.Name.Length);
        foreach (var file in outcomes.GroupBy(o => o.File, StringComparer.Ordinal))
        {
            terminal.Line(file.Key);
            foreach (var outcome in file)
            {
                terminal.Line($"  {terminal.Mark(outcome.Passed)} {outcome.Name.PadRight(width)}  {terminal.Faint(Milliseconds(outcome.Time) + " ms")}");
                if (!outcome.Passed) Explain(terminal, outcome, report);
            }
        }

        terminal.Line();
        covered?.Print(terminal);
        var failed = outcomes.Count(o => !o.Passed);
        if (missed is { } threshold) terminal.Error($"coverage is below {threshold} %");
        if (failed > 0) terminal.Error($"{outcomes.Count - failed} passed, {failed} failed");
        else terminal.Success($"{outcomes.Count} passed");
    }

    private static void Explain(Terminal terminal, TestOutcome outcome, SourceReport report)
    {
        if (outcome.Error is { } error)
        {
            terminal.Line($"      {error.File}:{error.Line}:{error.Column}: {error.Code}: {Scrubber.Scrub(error.Message)}");
            return;
        }

        // The test itself comes last: what it asked for was tried before it.
        if (outcome.Rules.LastOrDefault(r => !r.Held && r.FailedFile is { Length: > 0 }) is { } rule)
            terminal.Line($"      {rule.FailedFile}:{rule.FailedLine}:{rule.FailedColumn}: {report.Line(rule.FailedFile!, rule.FailedLine)}");
        else
            terminal.Line($"      {outcome.File}:{outcome.Line}:1: {report.Line(outcome.File, outcome.Line)}");
    }

    private static JsonObject Json(List<TestOutcome> outcomes, CoverageReport? covered, SourceReport report)
    {
        var failed = outcomes.Count(o => !o.Passed);
        var document = new JsonObject
        {
            ["ok"] = failed == 0,
            ["passed"] = outcomes.Count - failed,
            ["failed"] = failed,
            ["tests"] = PolicyJson.Array(outcomes.Select(o => Json(o, report))),
        };
        if (covered is not null) document["coverage"] = covered.Json();
        return document;
    }

    private static JsonObject Json(TestOutcome outcome, SourceReport report)
    {
        var document = new JsonObject
        {
            ["name"] = outcome.Name,
            ["file"] = outcome.File,
            ["line"] = outcome.Line,
            ["passed"] = outcome.Passed,
            ["time_ms"] = Math.Round(outcome.Time.TotalMilliseconds, 3),
        };
        if (outcome.Error is { } error) document["error"] = report.Json(error);
        if (!outcome.Passed) document["rules"] = PolicyJson.Array(outcome.Rules.Select(r => RuleTraces.Json(r, report)));
        return document;
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F2", CultureInfo.InvariantCulture);
}

/// <summary>A rule that is a test.</summary>
internal sealed record TestRule(string Name, string Query, string File, int Line);

/// <summary>Finds the tests of modules.</summary>
internal static class TestRules
{
    public static List<TestRule> In(IEnumerable<RegoModule> modules, RegoLanguageMode syntax, string part)
    {
        var tests = new Dictionary<string, TestRule>(StringComparer.Ordinal);
        foreach (var module in modules)
        {
            if (RegoParser.Inspect(module.Source, syntax, module.Name).Module is not { } info) continue;
            foreach (var rule in info.Rules)
            {
                if (!rule.Name.StartsWith("test_", StringComparison.Ordinal) || rule.Kind != RegoRuleKind.Complete || rule.IsDefault || rule.Name.Contains('.', StringComparison.Ordinal)) continue;
                var name = $"data.{info.Package}.{rule.Name}";
                // Keys in brackets, because parts of a package's path need not be names.
                var query = "data" + string.Concat(info.Package.Split('.').Append(rule.Name).Select(key => $"[{RegoValue.String(key).ToJson()}]"));
                if (name.Contains(part, StringComparison.Ordinal)) tests.TryAdd(name, new TestRule(name, query, module.Name, rule.Line));
            }
        }

        return [.. tests.Values];
    }
}
