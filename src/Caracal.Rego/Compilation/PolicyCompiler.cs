using System.Diagnostics;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Compilation;

/// <summary>Takes modules through all phases, in the order in which they report (rego.md 8 and 13).</summary>
internal sealed class PolicyCompiler(RegoCompilerOptions options)
{
    private readonly CompileErrors _errors = new();
    private readonly long _started = Stopwatch.GetTimestamp();

    public (PolicyPlan? Plan, IReadOnlyList<RegoError> Errors) Compile(IReadOnlyList<RegoModule> modules)
    {
        var file = "";
        try
        {
            if (!CheckSizes(modules)) return (null, _errors.Report());
            var trees = new List<ModuleTree>();
            foreach (var module in modules)
            {
                file = module.Name;
                try
                {
                    trees.Add(Parser.ParseModule(module.Name, module.Source, options.Mode));
                }
                catch (SyntaxException e)
                {
                    _errors.Add(Phase.Parse, "rego_parse_error", e.Message, module.Name, e.At);
                }

                CheckTime();
            }

            if (_errors.Any) return (null, _errors.Report());
            var plan = Build(trees);
            return _errors.Any ? (null, _errors.Report()) : (plan, []);
        }
        catch (ValueTooDeepException e)
        {
            return (null, [new RegoError("rego_compile_error", e.Message, file, 1, 1)]);
        }
        catch (CompileTimeException)
        {
            return (null, [new RegoError("rego_compile_error", "compilation took too long", "", 0, 0)]);
        }
        catch (InsufficientExecutionStackException)
        {
            return (null, [new RegoError("rego_compile_error", "max recursion depth exceeded", "", 0, 0)]);
        }
    }

    private bool CheckSizes(IReadOnlyList<RegoModule> modules)
    {
        var limits = options.Limits;
        foreach (var module in modules)
        {
            if (module.Source.Length > limits.ModuleCharacters)
                _errors.Add(Phase.Parse, "content_too_large", $"module exceeds {limits.ModuleCharacters} characters", module.Name, new Place(1, 1));
        }

        if (modules.Count > limits.Modules)
            _errors.Add(Phase.Parse, "rego_compile_error", $"more than {limits.Modules} modules", "", default);
        if (modules.Sum(m => (long)m.Source.Length) > limits.TotalCharacters)
            _errors.Add(Phase.Parse, "rego_compile_error", $"modules exceed {limits.TotalCharacters} characters in total", "", default);
        return !_errors.Any;
    }

    private PolicyPlan? Build(List<ModuleTree> trees)
    {
        var rules = trees.Sum(t => t.Rules.Count);
        if (rules > options.Limits.Rules)
        {
            _errors.Add(Phase.Limits, "rego_compile_error", $"more than {options.Limits.Rules} rules", "", default);
            return null;
        }

        var tree = new RuleTreeBuilder(_errors);
        tree.Build(trees);
        CheckTime();
        var resolver = new Resolver(tree.Root, _errors, options.DeniedBuiltins);
        var clauses = Resolve(trees, tree, resolver);
        if (resolver.LiteralCount > options.Limits.Literals)
            _errors.Add(Phase.Limits, "rego_compile_error", $"more than {options.Limits.Literals} literals", "", default);
        if (_errors.Any) return null;

        foreach (var (source, irs) in clauses)
        {
            var safety = new Safety(_errors, source.Module.File, CheckTime);
            foreach (var ir in irs) safety.Rule(ir);
        }

        if (_errors.Any) return null;
        var calls = Generate(tree, clauses);
        var dependencies = new Dependencies(tree.Root, tree.Groups, CheckTime);
        dependencies.Build();
        dependencies.CheckRecursion(_errors);
        if (_errors.Any) return null;
        // Values kept with the policy would hide which lines an evaluation needs.
        if (options.Coverage is null) dependencies.MarkConstants(resolver.Replaced);
        return new PolicyPlan(tree.Root, tree.Groups, tree.SlotCount, calls, options.Limits, options.DeniedBuiltins);
    }

    private Dictionary<RuleSource, IReadOnlyList<ClauseIr>> Resolve(List<ModuleTree> trees, RuleTreeBuilder tree, Resolver resolver)
    {
        var bySource = tree.Groups.SelectMany(g => g.Sources.Concat(g.DefaultSource is { } d ? [d] : [])).ToLookup(s => s.Module);
        var clauses = new Dictionary<RuleSource, IReadOnlyList<ClauseIr>>();
        foreach (var module in trees)
        {
            resolver.Enter(module, tree.Names[string.Join('\n', module.Package)]);
            foreach (var source in bySource[module])
            {
                CheckTime();
                clauses[source] = resolver.Rule(source);
            }
        }

        return clauses;
    }

    private int Generate(RuleTreeBuilder tree, Dictionary<RuleSource, IReadOnlyList<ClauseIr>> clauses)
    {
        var gen = new CodeGen(tree.Root, remembersCalls: options.Coverage is null, options.Coverage);
        foreach (var group in tree.Groups)
        {
            CheckTime();
            group.FirstDecides = Decides(group, clauses);
            group.Definitions = [.. group.Sources.Select(s => new Definition([.. clauses[s].Select(c => gen.Clause(group, c, s.Module.File, group.FirstDecides))]))];
            if (group.DefaultSource is { } d) group.Default = gen.Clause(group, clauses[d][0], d.Module.File, false);
            group.Registers = group.Definitions.SelectMany(x => x.Clauses).Append(group.Default).Max(c => c?.Registers ?? 1);
            group.Index = IndexBuilder.Build(group, clauses, gen);
            if (gen.OpCount > options.Limits.Literals)
            {
                _errors.Add(Phase.Limits, "rego_compile_error", $"more than {options.Limits.Literals} literals", "", default);
                break;
            }
        }

        return gen.CallCount;
    }

    /// <summary>Whether every clause of a group gives one and the same constant.</summary>
    private static bool Decides(RuleGroup group, Dictionary<RuleSource, IReadOnlyList<ClauseIr>> clauses)
    {
        if (group.Kind is not (GroupKind.Complete or GroupKind.Function)) return false;
        RegoValue? only = null;
        foreach (var clause in group.Sources.SelectMany(s => clauses[s]))
        {
            if (clause.Value is not IrConst c || (only is not null && !only.Equals(c.Value))) return false;
            only = c.Value;
        }

        return true;
    }

    private void CheckTime()
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        if (Stopwatch.GetElapsedTime(_started) > options.Limits.CompileTime) throw new CompileTimeException();
    }
}

/// <summary>A compilation used up its time.</summary>
internal sealed class CompileTimeException : Exception;
