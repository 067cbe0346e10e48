using Caracal.Rego.Builtins;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Compilation;

/// <summary>Resolution of calls and of what <c>with</c> replaces.</summary>
internal sealed partial class Resolver
{
    private IrCall Call(CallTerm term, Scope scope, bool top)
    {
        var args = new List<Ir>(term.Args.Count);
        foreach (var arg in term.Args) args.Add(Term(arg, scope));
        var name = CalleeName(term.Callee);
        var (builtin, function) = FindFunction(term.Callee, scope);
        if (builtin is null && function is null)
        {
            Error(Phase.Functions, "rego_type_error", $"undefined function {name}", term.At);
            return new IrCall(BuiltinTable.Template, null, args, null, term.At);
        }

        if (builtin is { IsDeprecated: true } && _strict)
            Error(Phase.Names, "rego_type_error", $"deprecated built-in function calls in expression: {builtin.Name}", term.At);
        var arity = builtin?.Arity ?? function!.Arity;
        Ir? output = null;
        if (top && args.Count == arity + 1)
        {
            output = args[^1];
            args.RemoveAt(arity);
        }
        else if (args.Count != arity)
        {
            var message = builtin is not null ? $"{builtin.Name}: arity mismatch" : $"function {function!.Name} has arity {arity}, got {args.Count} argument{(args.Count == 1 ? "" : "s")}";
            Error(Phase.Functions, "rego_type_error", message, term.At);
        }

        if (builtin is { TakesAnyLiteral: false }) CheckLiteralArguments(builtin, args, term.At);
        return new IrCall(builtin, function, args, output, term.At);
    }

    private void CheckLiteralArguments(Builtin builtin, List<Ir> args, Place at)
    {
        for (var i = 0; i < Math.Min(args.Count, builtin.Arity); i++)
        {
            if (LiteralKind(args[i]) is { } kind && !builtin.Accepts(i, kind))
            {
                Error(Phase.Types, "rego_type_error", $"{builtin.Name}: invalid argument(s)", at);
                return;
            }
        }
    }

    private static string CalleeName(Term callee) => callee switch
    {
        VarTerm v => v.Name,
        RefTerm { Head: VarTerm v } r => v.Name + string.Concat(r.Keys.Select(k => "." + ((ScalarTerm)k).Value.AsString())),
        _ => "",
    };

    private (Builtin? Builtin, RuleGroup? Function) FindFunction(Term callee, Scope scope)
    {
        var parts = new List<string>();
        switch (callee)
        {
            case VarTerm v:
                parts.Add(v.Name);
                break;
            case RefTerm { Head: VarTerm v } r:
                parts.Add(v.Name);
                foreach (var key in r.Keys)
                {
                    if (key is not ScalarTerm { Value: StringValue s }) return default;
                    parts.Add(s.Text);
                }

                break;
            default: return default;
        }

        if (scope.FindDeclared(parts[0], out _) is { Origin: not VarOrigin.Implicit }) return default;
        if (parts[0] == "data") return (null, FunctionAt(parts.Skip(1)));
        if (_imports.TryGetValue(parts[0], out var import) && import[0] == "data" && FunctionAt([.. import.Skip(1), .. parts.Skip(1)]) is { } imported)
            return (null, imported);
        if (_ruleNames.Contains(parts[0]) && FunctionAt([.. _package, .. parts]) is { } own) return (null, own);
        var name = string.Join('.', parts);
        return denied.Contains(name) ? default : (BuiltinTable.Find(name), null);
    }

    private RuleGroup? FunctionAt(IEnumerable<string> path)
    {
        var node = root;
        foreach (var part in path)
        {
            if (node.Child(RegoValue.String(part)) is not { } child) return null;
            node = child;
        }

        return node.Group is { Kind: GroupKind.Function } f ? f : null;
    }

    private IrWith? With(WithClause clause, Scope scope)
    {
        var (builtin, function) = FindFunction(clause.Target, scope);
        if (builtin is not null || function is not null)
        {
            var replacement = ReplacementOf(clause.Value, scope);
            if (replacement is not null && (replacement.Builtin?.Arity ?? replacement.Function!.Arity) != (builtin?.Arity ?? function!.Arity))
                Error(Phase.Functions, "rego_type_error", $"with keyword replacement of {CalleeName(clause.Target)} has a different arity", clause.At);
            var kind = builtin is not null ? WithKind.Builtin : WithKind.Function;
            var value = replacement is null ? Term(clause.Value, scope) : new IrConst(RegoValue.Null, clause.At);
            return new IrWith(kind, [], builtin, function, value, replacement, clause.At);
        }

        var target = Term(clause.Target, scope);
        var document = target is IrRef r ? r.Root : target;
        var keys = target is IrRef { Keys: var k } ? k : [];
        if (document is not (IrInput or IrData) || !keys.All(key => key is IrConst))
        {
            Error(Phase.Functions, "rego_type_error", "with keyword target must reference existing input, data, or a function", clause.At);
            return null;
        }

        var path = keys.Select(key => ((IrConst)key).Value).ToList();
        return new IrWith(document is IrInput ? WithKind.Input : WithKind.Data, path, null, null, Term(clause.Value, scope), null, clause.At);
    }

    private Replacement? ReplacementOf(Term value, Scope scope)
    {
        if (value is not (VarTerm or RefTerm { Head: VarTerm })) return null;
        var (builtin, function) = FindFunction(value, scope);
        return builtin is null && function is null ? null : new Replacement(builtin, function);
    }
}
