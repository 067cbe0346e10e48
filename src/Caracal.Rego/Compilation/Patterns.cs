namespace Caracal.Rego.Compilation;

/// <summary>What terms need and bind.</summary>
internal static class Patterns
{
    /// <summary>Variables a term can bind when it is matched against a value.</summary>
    public static void Bindable(Ir term, HashSet<Var> into)
    {
        switch (term)
        {
            case IrVar v:
                into.Add(v.Var);
                break;
            case IrArray a:
                foreach (var item in a.Items) Bindable(item, into);
                break;
            case IrObject o:
                foreach (var (_, value) in o.Pairs) Bindable(value, into);
                break;
        }
    }

    /// <summary>Variables a pattern needs before it can be matched: in object keys, sets, calls and nested bodies.</summary>
    public static void NeededByPattern(Ir term, List<IrVar> into)
    {
        switch (term)
        {
            case IrVar: break;
            case IrArray a:
                foreach (var item in a.Items) NeededByPattern(item, into);
                break;
            case IrObject o:
                foreach (var (key, value) in o.Pairs)
                {
                    Needed(key, into);
                    NeededByPattern(value, into);
                }

                break;
            default:
                Needed(term, into);
                break;
        }
    }

    /// <summary>Variables a term needs outside the brackets of references.</summary>
    public static void Needed(Ir term, List<IrVar> into)
    {
        switch (term)
        {
            case IrVar v:
                into.Add(v);
                break;
            case IrRef r:
                Needed(r.Root, into);
                foreach (var key in r.Keys) NeededInKey(key, into);
                break;
            case IrArray a:
                foreach (var item in a.Items) Needed(item, into);
                break;
            case IrSet s:
                foreach (var item in s.Items) Needed(item, into);
                break;
            case IrObject o:
                foreach (var (key, value) in o.Pairs)
                {
                    Needed(key, into);
                    Needed(value, into);
                }

                break;
            case IrCall c:
                foreach (var arg in c.Args) Needed(arg, into);
                break;
            case IrComprehension c:
                foreach (var v in c.Body.Free) into.Add(new IrVar(v, c.At));
                break;
        }
    }

    /// <summary>All variables of a term, with those in brackets.</summary>
    public static void All(Ir term, List<IrVar> into)
    {
        Needed(term, into);
        var bound = new HashSet<Var>();
        var places = new List<IrVar>();
        BracketVars(term, places);
        foreach (var v in places)
        {
            if (bound.Add(v.Var)) into.Add(v);
        }
    }

    /// <summary>Walks the references of a term, inner before outer, and binds their bracket variables.</summary>
    public static void BindBrackets(Ir term, VarView safe, List<IrVar> missing)
    {
        switch (term)
        {
            case IrRef r:
                BindBrackets(r.Root, safe, missing);
                foreach (var key in r.Keys) BindBrackets(key, safe, missing);
                var needed = new List<IrVar>();
                Needed(r.Root, needed);
                missing.AddRange(needed.Where(v => !safe.Contains(v.Var)));
                var bound = new HashSet<Var>();
                foreach (var key in r.Keys) Bindable(key, bound);
                safe.Add(bound);
                break;
            case IrArray a:
                foreach (var item in a.Items) BindBrackets(item, safe, missing);
                break;
            case IrSet s:
                foreach (var item in s.Items) BindBrackets(item, safe, missing);
                break;
            case IrObject o:
                foreach (var (key, value) in o.Pairs)
                {
                    BindBrackets(key, safe, missing);
                    BindBrackets(value, safe, missing);
                }

                break;
            case IrCall c:
                foreach (var arg in c.Args) BindBrackets(arg, safe, missing);
                if (c.Output is not null) BindBrackets(c.Output, safe, missing);
                break;
        }
    }

    private static void NeededInKey(Ir key, List<IrVar> into)
    {
        if (key is not IrVar) NeededByPattern(key, into);
    }

    private static void BracketVars(Ir term, List<IrVar> into)
    {
        switch (term)
        {
            case IrRef r:
                BracketVars(r.Root, into);
                foreach (var key in r.Keys)
                {
                    BracketVars(key, into);
                    BindableAt(key, into);
                }

                break;
            case IrArray a:
                foreach (var item in a.Items) BracketVars(item, into);
                break;
            case IrSet s:
                foreach (var item in s.Items) BracketVars(item, into);
                break;
            case IrObject o:
                foreach (var (key, value) in o.Pairs)
                {
                    BracketVars(key, into);
                    BracketVars(value, into);
                }

                break;
            case IrCall c:
                foreach (var arg in c.Args) BracketVars(arg, into);
                if (c.Output is not null) All(c.Output, into);
                break;
        }
    }

    private static void BindableAt(Ir term, List<IrVar> into)
    {
        switch (term)
        {
            case IrVar v:
                into.Add(v);
                break;
            case IrArray a:
                foreach (var item in a.Items) BindableAt(item, into);
                break;
            case IrObject o:
                foreach (var (_, value) in o.Pairs) BindableAt(value, into);
                break;
        }
    }
}
