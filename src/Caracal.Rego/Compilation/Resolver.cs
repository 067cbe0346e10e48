using Caracal.Rego.Builtins;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Compilation;

/// <summary>One clause after resolution.</summary>
internal sealed record ClauseIr(IReadOnlyList<Var> Args, IrBody Body, Ir Value, Ir? SetKey, IReadOnlyList<Ir> DynamicKeys, Place At);

/// <summary>Decides what every name means (rego.md 5). Terms and calls have their own files.</summary>
internal sealed partial class Resolver(TreeNode root, CompileErrors errors, IReadOnlySet<string> denied)
{
    private string _file = "";
    private bool _strict;
    private IReadOnlyList<string> _package = [];
    private HashSet<string> _ruleNames = [];
    private Dictionary<string, IReadOnlyList<string>> _imports = [];

    /// <summary>Everything any statement replaces with <c>with</c>.</summary>
    public List<IrWith> Replaced { get; } = [];

    public int LiteralCount { get; private set; }

    public void Enter(ModuleTree module, HashSet<string> ruleNames)
    {
        _file = module.File;
        _strict = module.IsV1;
        _package = module.Package;
        _ruleNames = ruleNames;
        _imports = new(StringComparer.Ordinal);
        foreach (var import in module.Imports)
        {
            if (_imports.ContainsKey(import.Alias) && _strict)
                Error(Phase.Names, "rego_compile_error", $"import must not shadow import {string.Join('.', import.Path)}", import.At);
            _imports[import.Alias] = import.Path;
        }

        foreach (var rule in module.Rules)
        {
            if (_strict && rule.Name is "input" or "data")
                Error(Phase.Names, "rego_compile_error", $"rules must not shadow {rule.Name} (use a different rule name)", rule.At);
        }
    }

    public void EnterQuery()
    {
        _file = "";
        _strict = true;
        _package = [];
        _ruleNames = [];
        _imports = [];
    }

    /// <summary>Resolves the body of a query and gives the variables it names.</summary>
    public (IrBody Body, IReadOnlyList<Var> Named) Query(IReadOnlyList<Literal> literals)
    {
        var scope = new Scope(null, new IrBody());
        scope.CollectNames(literals);
        Body(literals, scope);
        var named = scope.Declared.Values.Concat(scope.Implicit.Values).Where(v => v.Origin != VarOrigin.Wildcard).ToList();
        return (scope.Body, named);
    }

    public IReadOnlyList<ClauseIr> Rule(RuleSource source)
    {
        var clauses = new List<ClauseIr>();
        foreach (var clause in source.Tree.Clauses) clauses.Add(Clause(source, clause));
        return clauses;
    }

    private ClauseIr Clause(RuleSource source, RuleClause clause)
    {
        var rule = source.Tree;
        var outer = new Scope(null, new IrBody()) { HoldsArguments = true };
        var scope = new Scope(outer, new IrBody());
        if (clause.Body is not null) scope.CollectNames(clause.Body);
        if (clause.Value is not null) scope.CollectNames(clause.Value);
        if (rule.SetKey is not null) scope.CollectNames(rule.SetKey);
        foreach (var key in source.DynamicKeys) scope.CollectNames(key);

        var args = new List<Var>();
        foreach (var arg in rule.Args ?? []) args.Add(Argument(arg, outer, scope));
        if (clause.Body is not null) Body(clause.Body, scope, close: false);
        var keys = source.DynamicKeys.Select(k => HeadTerm(k, scope)).ToList();
        var setKey = rule.SetKey is null ? null : HeadTerm(rule.SetKey, scope);
        var value = clause.Value is null ? new IrConst(RegoValue.True, clause.At) : HeadTerm(clause.Value, scope);
        Close(scope);
        return new ClauseIr(args, scope.Body, value, setKey, keys, clause.At);
    }

    /// <summary>A plain argument is a variable; a pattern becomes a variable and an equation.</summary>
    private Var Argument(Term arg, Scope outer, Scope scope)
    {
        if (arg is VarTerm { Name: var name } && !(name != "_" && outer.Declared.ContainsKey(name)))
        {
            CheckShadow("args", name, arg.At);
            var v = new Var(name, VarOrigin.Argument, arg.At);
            if (name != "_") outer.Declared[name] = v;
            return v;
        }

        var generated = new Var("argument", VarOrigin.Argument, arg.At);
        DeclareArguments(arg, outer);
        var pattern = Term(arg, scope);
        scope.Body.Literals.Add(new IrUnify(new IrVar(generated, arg.At), pattern, false, false, arg.At));
        return generated;
    }

    private void DeclareArguments(Term pattern, Scope outer)
    {
        switch (pattern)
        {
            case VarTerm { Name: not "_" } v:
                CheckShadow("args", v.Name, v.At);
                outer.Declared.TryAdd(v.Name, new Var(v.Name, VarOrigin.Argument, v.At));
                break;
            case ArrayTerm a:
                foreach (var item in a.Items) DeclareArguments(item, outer);
                break;
            case ObjectTerm o:
                foreach (var (_, value) in o.Pairs) DeclareArguments(value, outer);
                break;
        }
    }

    /// <summary>A head term that enumerates gets its own literal, so that it takes part in the body's ordering.</summary>
    private Ir HeadTerm(Term term, Scope scope)
    {
        var ir = Term(term, scope);
        if (!Enumerates(ir)) return ir;
        var v = Generated(term.At);
        scope.Body.Literals.Add(new IrUnify(new IrVar(v, term.At), ir, false, false, term.At));
        return new IrVar(v, term.At);
    }

    private static bool Enumerates(Ir ir) => ir switch
    {
        IrRef r => Enumerates(r.Root) || r.Keys.Any(k => k is not IrConst),
        IrCall c => c.Builtin is { IsRelation: true } || c.Args.Any(Enumerates),
        IrArray a => a.Items.Any(Enumerates),
        IrSet s => s.Items.Any(Enumerates),
        IrObject o => o.Pairs.Any(p => Enumerates(p.Key) || Enumerates(p.Value)),
        _ => false,
    };

    private void Body(IReadOnlyList<Literal> literals, Scope scope, bool close = true)
    {
        foreach (var literal in literals)
        {
            LiteralCount++;
            Literal(literal, scope);
        }

        if (close) Close(scope);
    }

    private void Close(Scope scope)
    {
        foreach (var v in scope.Declared.Values)
        {
            if (v.Origin == VarOrigin.Declared && !v.Used)
                Error(Phase.Locals, "rego_compile_error", $"declared var {v.Name} unused", v.At);
        }
    }

    private static Var Generated(Place at) => new("generated", VarOrigin.Generated, at);

    private Var Declare(VarTerm term, VarOrigin origin, Scope scope)
    {
        if (term.Name == "_") return new Var("_", VarOrigin.Wildcard, term.At);
        CheckShadow("variables", term.Name, term.At);
        if (scope.Parent is { HoldsArguments: true } outer && outer.Declared.ContainsKey(term.Name))
            Error(Phase.Locals, "rego_compile_error", $"arg {term.Name} redeclared", term.At);
        else if (scope.Declared.TryGetValue(term.Name, out var earlier))
            Error(Phase.Locals, "rego_compile_error", $"var {term.Name} {(earlier.Origin == VarOrigin.Assigned ? "assigned" : "declared")} above", term.At);
        else if (scope.Referenced.Contains(term.Name))
            Error(Phase.Locals, "rego_compile_error", $"var {term.Name} referenced above", term.At);
        if (!scope.Pending.Remove(term.Name, out var v)) v = new Var(term.Name, origin, term.At);
        scope.Declared[term.Name] = v;
        return v;
    }

    private void CheckShadow(string what, string name, Place at)
    {
        if (_strict && name is "input" or "data")
            Error(Phase.Names, "rego_compile_error", $"{what} must not shadow {name} (use a different {(what == "args" ? "argument" : "variable")} name)", at);
    }

    private void Error(Phase phase, string code, string message, Place at) => errors.Add(phase, code, message, _file, at);
}
