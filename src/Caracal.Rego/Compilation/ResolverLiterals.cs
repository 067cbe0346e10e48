using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>Resolution of the statements of bodies.</summary>
internal sealed partial class Resolver
{
    private void Literal(Literal literal, Scope scope)
    {
        var with = literal.With.Count == 0 ? [] : literal.With.Select(w => With(w, scope)).OfType<IrWith>().ToList();
        Replaced.AddRange(with);
        switch (literal)
        {
            case SomeLiteral s:
                foreach (var name in s.Names) Declare(name, VarOrigin.Declared, scope);
                return;
            case SomeInLiteral s:
                var collection = Term(s.Collection, scope);
                var key = s.Key is null ? null : Pattern(s.Key, VarOrigin.Pattern, scope);
                Add(new IrSomeIn(key, Pattern(s.Value, VarOrigin.Pattern, scope), collection, s.At), with, scope);
                return;
            case EveryLiteral e:
                Add(Every(e, scope), with, scope);
                return;
            case ExpressionLiteral e:
                Expression(e, with, scope);
                return;
        }
    }

    private static void Add(IrLiteral literal, IReadOnlyList<IrWith> with, Scope scope)
    {
        literal.With = with;
        scope.Body.Literals.Add(literal);
    }

    private IrEvery Every(EveryLiteral e, Scope scope)
    {
        var domain = Term(e.Domain, scope);
        var inner = new Scope(scope, new IrBody());
        var key = e.Key is null ? null : Declare(e.Key, VarOrigin.Pattern, inner);
        var value = Declare(e.Value, VarOrigin.Pattern, inner);
        inner.CollectNames(e.Body);
        Body(e.Body, inner);
        return new IrEvery(key, value, domain, inner.Body, e.At);
    }

    private void Expression(ExpressionLiteral e, IReadOnlyList<IrWith> with, Scope scope)
    {
        if (e.Right is not null)
        {
            if (e.Declares)
            {
                NoteSelfReference(e, scope);
            }
            else
            {
                scope.NoteBinding(e.Left);
                scope.NoteBinding(e.Right);
            }

            var right = Term(e.Right, scope);
            var left = e.Declares ? Pattern(e.Left, VarOrigin.Assigned, scope) : Term(e.Left, scope);
            Unify(left, right, false, e.Negated, e.At, with, scope);
            return;
        }

        if (e.Left is not CallTerm call)
        {
            Single(Term(e.Left, scope), e, with, scope);
            return;
        }

        var name = call.Callee is VarTerm { Name: var n } ? n : null;
        if (name is "equal" or "eq" or "assign" && call.Args.Count == 2 && !_ruleNames.Contains(name))
        {
            Unify(Term(call.Args[0], scope), Term(call.Args[1], scope), name == "equal", e.Negated, e.At, with, scope);
            return;
        }

        if (name == "print" && !_ruleNames.Contains("print"))
        {
            Add(new IrExpression(new IrArray([.. call.Args.Select(a => Capture(a, [], scope))], e.At), false, e.At), with, scope);
            return;
        }

        Single(Call(call, scope, top: true), e, with, scope);
    }

    /// <summary>A declaration cannot use the name it declares.</summary>
    private static void NoteSelfReference(ExpressionLiteral e, Scope scope)
    {
        var used = new Scope(null, new IrBody());
        used.CollectNames(e.Right!);
        var declared = new Scope(null, new IrBody());
        declared.CollectNames([new ExpressionLiteral(e.Left, null, true, false, e.At)]);
        foreach (var name in declared.WillDeclare)
        {
            if (used.Direct.Contains(name) && !scope.Declared.ContainsKey(name)) scope.Referenced.Add(name);
        }
    }

    private static void Single(Ir term, ExpressionLiteral e, IReadOnlyList<IrWith> with, Scope scope)
    {
        if (e.Negated) term = HoistNegated(term, with, scope, keepTop: true);
        Add(new IrExpression(term, e.Negated, e.At), with, scope);
    }

    private void Unify(Ir left, Ir right, bool tests, bool negated, Place at, IReadOnlyList<IrWith> with, Scope scope)
    {
        if (negated)
        {
            left = HoistNegated(left, with, scope, keepTop: false);
            right = HoistNegated(right, with, scope, keepTop: false);
        }

        CheckTypes(left, right, tests, at);
        Add(new IrUnify(left, right, tests, negated, at), with, scope);
    }

    /// <summary>Calls inside a negated literal are evaluated before it, outside the negation (rego.md 7.1).</summary>
    private static Ir HoistNegated(Ir term, IReadOnlyList<IrWith> with, Scope scope, bool keepTop)
    {
        switch (term)
        {
            case IrCall call:
                var args = call.Args.Select(a => HoistNegated(a, with, scope, keepTop: false)).ToList();
                var inner = new IrCall(call.Builtin, call.Function, args, call.Output, call.At);
                if (keepTop) return inner;
                var v = Generated(call.At);
                Add(new IrUnify(new IrVar(v, call.At), inner, false, false, call.At), with, scope);
                return new IrVar(v, call.At);
            case IrRef r:
                var root = HoistNegated(r.Root, with, scope, keepTop: false);
                return new IrRef(root, [.. r.Keys.Select(k => HoistNegated(k, with, scope, keepTop: false))], r.At);
            case IrArray a: return new IrArray([.. a.Items.Select(i => HoistNegated(i, with, scope, keepTop: false))], a.At);
            case IrSet s: return new IrSet([.. s.Items.Select(i => HoistNegated(i, with, scope, keepTop: false))], s.At);
            case IrObject o:
                return new IrObject(
                    [.. o.Pairs.Select(p => (HoistNegated(p.Key, with, scope, keepTop: false), HoistNegated(p.Value, with, scope, keepTop: false)))], o.At);
            default: return term;
        }
    }

    private void CheckTypes(Ir left, Ir right, bool tests, Place at)
    {
        if (tests) return;
        if (LiteralKind(left) is { } a && LiteralKind(right) is { } b && a != b)
            Error(Phase.Types, "rego_type_error", "match error", at);
    }

    private static RegoKind? LiteralKind(Ir ir) => ir switch
    {
        IrConst c => c.Value.Kind,
        IrArray or IrComprehension { Kind: ComprehensionKind.Array } => RegoKind.Array,
        IrSet or IrComprehension { Kind: ComprehensionKind.Set } => RegoKind.Set,
        IrObject or IrComprehension => RegoKind.Object,
        _ => null,
    };
}
