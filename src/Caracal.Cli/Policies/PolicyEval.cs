using System.Diagnostics;
using System.Text.Json.Nodes;
using Caracal.Authority.DecisionContract;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary><c>caracal policy eval</c>: a query over modules, an input and base documents.</summary>
internal static class PolicyEval
{
    public const int DefaultTimeout = 5_000;

    public static int Run(CommandContext context)
    {
        var arguments = context.Arguments;
        arguments.RequireKnown(
            "json", "input", "data", "contract", "explain", "strict", "fail", "show-secrets", "syntax", "all-builtins", "timeout");
        if (arguments.Operands.Count < 3) throw new CommandFailure("usage: caracal policy eval QUERY PATH… [--input FILE] [--data FILE]…");
        var modules = PolicySources.Modules([.. arguments.Operands.Skip(2)]).ToList();
        if (arguments.IsOn("contract")) modules.Add(new RegoModule("decision_contract.rego", DecisionContractModule.Source));
        var report = new SourceReport(modules.Append(new RegoModule("query", arguments.Operands[1])));
        if (Prepare(context, modules, report) is not { } query) return 1;

        var started = Stopwatch.GetTimestamp();
        var result = query.Evaluate(PolicySources.Input(arguments), Options(context));
        var took = Stopwatch.GetElapsedTime(started);
        if (context.Json) context.Terminal.Write(PolicyJson.Text(Json(result, took, report, arguments)));
        else Print(context.Terminal, result, report, arguments);
        return result.Error is not null || (arguments.IsOn("fail") && !Holds(result)) ? 1 : 0;
    }

    public static EvalOptions Options(CommandContext context) => new()
    {
        Deadline = TimeSpan.FromMilliseconds(context.Arguments.Integer("timeout", DefaultTimeout, 1, 600_000)),
        CancellationToken = context.Stop,
        StrictBuiltinErrors = context.Arguments.IsOn("strict"),
        Explain = context.Arguments.IsOn("explain"),
    };

    private static PreparedQuery? Prepare(CommandContext context, List<RegoModule> modules, SourceReport report)
    {
        var compilation = RegoCompiler.Compile(modules, PolicySources.Options(context.Arguments));
        var errors = compilation.Errors;
        if (compilation.Succeeded)
        {
            try
            {
                return compilation.Policy.WithData(PolicySources.Data(context.Arguments)).Prepare(context.Arguments.Operands[1]);
            }
            catch (RegoQueryException refused)
            {
                errors = [.. refused.Errors.Select(e => e with { File = "query" })];
            }
        }

        report.Refuse(context, errors);
        return null;
    }

    private static bool Holds(EvalResult result) => result.IsDefined && result.Value switch
    {
        null => true,
        { Kind: RegoKind.Boolean } flag => flag.AsBoolean(),
        { Kind: RegoKind.Array or RegoKind.Object or RegoKind.Set, Count: 0 } => false,
        _ => true,
    };

    private static void Print(Terminal terminal, EvalResult result, SourceReport report, Arguments arguments)
    {
        if (result.Error is { } error) report.Print(terminal, error);
        else if (result.Value is { } value) terminal.Write(PolicyJson.Text(PolicyJson.Node(Shown(value, arguments))));
        else if (!result.IsDefined) terminal.Line("undefined");
        else Bindings(terminal, result, arguments);

        if (result.FirstSuppressedError is { } suppressed)
        {
            terminal.Warning($"{Words.Count(result.SuppressedErrors, "builtin error")} made an expression undefined; the first: {suppressed}");
        }

        if (!arguments.IsOn("explain")) return;
        terminal.Line();
        RuleTraces.Print(terminal, result.Rules, report);
    }

    private static void Bindings(Terminal terminal, EvalResult result, Arguments arguments)
    {
        var names = result.Bindings.SelectMany(b => b.Keys).Distinct(StringComparer.Ordinal).ToList();
        if (names.Count == 0) terminal.Line("true");
        else terminal.Table(names, [.. result.Bindings.Select(b => names.ConvertAll(n => b.TryGetValue(n, out var v) ? Shown(v, arguments).ToJson() : null))]);
    }

    private static JsonObject Json(EvalResult result, TimeSpan took, SourceReport report, Arguments arguments)
    {
        var document = new JsonObject { ["ok"] = result.Error is null, ["defined"] = result.IsDefined };
        if (result.Value is { } value) document["value"] = PolicyJson.Node(Shown(value, arguments));
        if (result.Bindings.Count > 0)
        {
            document["bindings"] = PolicyJson.Array(result.Bindings.Select(b =>
                new JsonObject(b.Select(p => KeyValuePair.Create(p.Key, PolicyJson.Node(Shown(p.Value, arguments)))))));
        }

        if (result.Error is { } error) document["errors"] = PolicyJson.Array([report.Json(error)]);
        document["suppressed_errors"] = result.SuppressedErrors;
        if (result.FirstSuppressedError is { } suppressed) document["first_suppressed_error"] = report.Json(suppressed);
        document["steps"] = result.Steps;
        document["time_ms"] = Math.Round(took.TotalMilliseconds, 3);
        if (arguments.IsOn("explain")) document["rules"] = PolicyJson.Array(result.Rules.Select(r => RuleTraces.Json(r, report)));
        return document;
    }

    private static RegoValue Shown(RegoValue value, Arguments arguments) => arguments.IsOn("show-secrets") ? value : PolicyJson.Scrubbed(value);
}

/// <summary>Which rules held, and where the others first failed.</summary>
internal static class RuleTraces
{
    public static void Print(Terminal terminal, IReadOnlyList<RuleTrace> rules, SourceReport report)
    {
        foreach (var rule in rules)
        {
            var place = terminal.Faint($"{rule.File}:{rule.Line}");
            terminal.Line($"{terminal.Mark(rule.Held)} {rule.Rule}  {place}");
            if (!rule.Held && rule.FailedFile is { Length: > 0 } file)
                terminal.Line($"    {terminal.Faint($"failed at {file}:{rule.FailedLine}:{rule.FailedColumn}")}  {report.Line(file, rule.FailedLine)}");
        }
    }

    public static JsonObject Json(RuleTrace rule, SourceReport report)
    {
        var document = new JsonObject { ["rule"] = rule.Rule, ["file"] = rule.File, ["line"] = rule.Line, ["held"] = rule.Held };
        if (!rule.Held && rule.FailedFile is { Length: > 0 } file)
        {
            document["failed"] = new JsonObject
            {
                ["file"] = file,
                ["line"] = rule.FailedLine,
                ["column"] = rule.FailedColumn,
                ["source"] = report.Line(file, rule.FailedLine),
            };
        }

        return document;
    }
}
