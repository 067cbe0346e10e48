using Caracal.Rego.Builtins;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>Resolution of terms.</summary>
internal sealed partial class Resolver
{
    private Ir Term(Term term, Scope scope)
    {
        if (term is ScalarTerm s) return new IrConst(s.Value, s.At);
        if (term is ArrayTerm or SetTerm or ObjectTerm && ConstantTerms.Fold(term) is { } constant) return new IrConst(constant, term.At);
        switch (term)
        {
            case VarTerm v: return Name(v, scope);
            case RefTerm r: return Reference(r, scope);
            case CallTerm c: return Call(c, scope, top: false);
            case ArrayTerm a: return new IrArray([.. a.Items.Select(i => Term(i, scope))], a.At);
            case SetTerm t: return new IrSet([.. t.Items.Select(i => Term(i, scope))], t.At);
            case ObjectTerm o: return new IrObject([.. o.Pairs.Select(p => (Term(p.Key, scope), Term(p.Value, scope)))], o.At);
            case ComprehensionTerm c: return Comprehension(c, scope);
            case TemplateTerm t: return Template(t, scope);
            default: throw new SyntaxException("unexpected term", term.At);
        }
    }

    /// <summary>A pattern whose variables are fresh.</summary>
    private Ir Pattern(Term term, VarOrigin origin, Scope scope) => term switch
    {
        VarTerm v => new IrVar(Declare(v, origin, scope), v.At),
        ArrayTerm a => new IrArray([.. a.Items.Select(i => Pattern(i, origin, scope))], a.At),
        ObjectTerm o => new IrObject([.. o.Pairs.Select(p => (Term(p.Key, scope), Pattern(p.Value, origin, scope)))], o.At),
        _ => Term(term, scope),
    };

    private Ir Name(VarTerm term, Scope scope)
    {
        var name = term.Name;
        if (name == "_") return new IrVar(new Var("_", VarOrigin.Wildcard, term.At), term.At);
        if (scope.WillDeclare.Contains(name) && !scope.Declared.ContainsKey(name))
        {
            if (IsGlobal(name) || scope.FindDeclared(name, out _) is not null) scope.Referenced.Add(name);
            else return new IrVar(Pending(name, term.At, scope), term.At);
        }

        if (scope.FindDeclared(name, out var owner) is { } known)
        {
            known.Used = true;
            scope.NoteUse(known, owner!);
            return new IrVar(known, term.At);
        }

        if (name == "input") return new IrInput(term.At);
        if (name == "data") return new IrData(term.At);
        if (_imports.TryGetValue(name, out var path)) return DocumentPath(path, term.At);
        if (_ruleNames.Contains(name)) return DocumentPath(["data", .. _package, name], term.At);
        owner = scope.OwnerOfImplicit(name);
        var v = new Var(name, VarOrigin.Implicit, term.At);
        owner.Implicit[name] = v;
        scope.NoteUse(v, owner);
        return new IrVar(v, term.At);
    }

    private bool IsGlobal(string name) => name is "input" or "data" || _imports.ContainsKey(name) || _ruleNames.Contains(name);

    private static Var Pending(string name, Place at, Scope scope)
    {
        if (!scope.Pending.TryGetValue(name, out var v)) scope.Pending[name] = v = new Var(name, VarOrigin.Assigned, at) { Used = true };
        return v;
    }

    private static Ir DocumentPath(IReadOnlyList<string> path, Place at)
    {
        Ir root = path[0] == "data" ? new IrData(at) : new IrInput(at);
        return path.Count == 1 ? root : new IrRef(root, [.. path.Skip(1).Select(p => new IrConst(RegoValue.String(p), at))], at);
    }

    private IrRef Reference(RefTerm term, Scope scope)
    {
        var head = Term(term.Head, scope);
        foreach (var key in term.Keys) scope.NoteBinding(key);
        var keys = term.Keys.Select(k => Term(k, scope));
        return head is IrRef inner ? new IrRef(inner.Root, [.. inner.Keys, .. keys], term.At) : new IrRef(head, [.. keys], term.At);
    }

    private IrComprehension Comprehension(ComprehensionTerm term, Scope scope)
    {
        var inner = new Scope(scope, new IrBody());
        inner.CollectNames(term.Body);
        if (term.Key is not null) inner.CollectNames(term.Key);
        inner.CollectNames(term.Value);
        Body(term.Body, inner, close: false);
        var key = term.Key is null ? null : HeadTerm(term.Key, inner);
        var value = HeadTerm(term.Value, inner);
        Close(inner);
        return new IrComprehension(term.Kind, key, value, inner.Body, term.At);
    }

    /// <summary>All the values a term has, as a set: empty when it is undefined.</summary>
    private IrComprehension Capture(Term term, IReadOnlyList<WithClause> with, Scope scope)
    {
        var inner = new Scope(scope, new IrBody());
        inner.CollectNames(term);
        foreach (var clause in with) inner.CollectNames(clause.Value);
        var resolved = with.Select(w => With(w, inner)).OfType<IrWith>().ToList();
        Replaced.AddRange(resolved);
        var v = Generated(term.At);
        Add(new IrUnify(new IrVar(v, term.At), Term(term, inner), false, false, term.At), resolved, inner);
        Close(inner);
        return new IrComprehension(ComprehensionKind.Set, null, new IrVar(v, term.At), inner.Body, term.At);
    }

    private IrCall Template(TemplateTerm term, Scope scope)
    {
        var parts = new List<Ir>();
        foreach (var part in term.Parts)
        {
            parts.Add(part is ExpressionLiteral e
                ? Capture(e.Left, e.With, scope)
                : new IrConst(RegoValue.String((string)part), term.At));
        }

        return new IrCall(BuiltinTable.Template, null, [new IrArray(parts, term.At)], null, term.At);
    }
}
