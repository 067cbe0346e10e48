using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>
/// The names of one body while it is resolved. A variable that is never declared belongs to the outermost body
/// in which it directly occurs; declared ones belong to the body that declares them, from there on.
/// </summary>
internal sealed class Scope(Scope? parent, IrBody body)
{
    public Scope? Parent { get; } = parent;

    public IrBody Body { get; } = body;

    public Dictionary<string, Var> Declared { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Var> Implicit { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that occur here outside nested bodies.</summary>
    public HashSet<string> Direct { get; } = new(StringComparer.Ordinal);

    /// <summary>Names some statement here declares.</summary>
    public HashSet<string> WillDeclare { get; } = new(StringComparer.Ordinal);

    /// <summary>Variables needed here before the statement that declares them; the order of statements does not matter for that.</summary>
    public Dictionary<string, Var> Pending { get; } = new(StringComparer.Ordinal);

    /// <summary>Names bound here, or used with another meaning, before their declaration.</summary>
    public HashSet<string> Referenced { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether this scope holds a function's arguments.</summary>
    public bool HoldsArguments { get; init; }

    public Var? FindDeclared(string name, out Scope? owner)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.Declared.TryGetValue(name, out var v) || scope.Implicit.TryGetValue(name, out v))
            {
                owner = scope;
                return v;
            }
        }

        owner = null;
        return null;
    }

    /// <summary>The scope an undeclared name belongs to when it is first met here.</summary>
    public Scope OwnerOfImplicit(string name)
    {
        var owner = this;
        for (var scope = Parent; scope is not null; scope = scope.Parent)
        {
            if (scope.Direct.Contains(name) && !scope.WillDeclare.Contains(name)) owner = scope;
        }

        return owner;
    }

    /// <summary>Notes a use of a variable of an enclosing scope in every body between.</summary>
    public void NoteUse(Var v, Scope owner)
    {
        for (var scope = this; scope is not null && !ReferenceEquals(scope, owner); scope = scope.Parent) scope.Body.Free.Add(v);
    }

    public void CollectNames(IEnumerable<Literal> literals)
    {
        foreach (var literal in literals)
        {
            foreach (var with in literal.With) CollectNames(with.Value);
            switch (literal)
            {
                case ExpressionLiteral e:
                    CollectNames(e.Left);
                    if (e.Right is not null) CollectNames(e.Right);
                    if (e.Declares) CollectPattern(e.Left);
                    break;
                case SomeLiteral s:
                    foreach (var name in s.Names) WillDeclare.Add(name.Name);
                    break;
                case SomeInLiteral s:
                    if (s.Key is not null) CollectPattern(s.Key);
                    CollectPattern(s.Value);
                    if (s.Key is not null) CollectNames(s.Key);
                    CollectNames(s.Value);
                    CollectNames(s.Collection);
                    break;
                case EveryLiteral e:
                    CollectNames(e.Domain);
                    break;
            }
        }
    }

    public void CollectNames(Term term)
    {
        switch (term)
        {
            case VarTerm v:
                Direct.Add(v.Name);
                break;
            case RefTerm r:
                CollectNames(r.Head);
                foreach (var key in r.Keys) CollectNames(key);
                break;
            case CallTerm c:
                foreach (var arg in c.Args) CollectNames(arg);
                break;
            case ArrayTerm a:
                foreach (var item in a.Items) CollectNames(item);
                break;
            case SetTerm s:
                foreach (var item in s.Items) CollectNames(item);
                break;
            case ObjectTerm o:
                foreach (var (key, value) in o.Pairs)
                {
                    CollectNames(key);
                    CollectNames(value);
                }

                break;
        }
    }

    /// <summary>Notes the names a pattern binds before they are declared.</summary>
    public void NoteBinding(Term pattern)
    {
        switch (pattern)
        {
            case VarTerm v when WillDeclare.Contains(v.Name) && !Declared.ContainsKey(v.Name):
                Referenced.Add(v.Name);
                break;
            case ArrayTerm a:
                foreach (var item in a.Items) NoteBinding(item);
                break;
            case ObjectTerm o:
                foreach (var (_, value) in o.Pairs) NoteBinding(value);
                break;
        }
    }

    private void CollectPattern(Term pattern)
    {
        switch (pattern)
        {
            case VarTerm v:
                WillDeclare.Add(v.Name);
                break;
            case ArrayTerm a:
                foreach (var item in a.Items) CollectPattern(item);
                break;
            case ObjectTerm o:
                foreach (var (_, value) in o.Pairs) CollectPattern(value);
                break;
        }
    }
}
