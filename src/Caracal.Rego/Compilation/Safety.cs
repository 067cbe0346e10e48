using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>Orders the literals of bodies so that every variable is bound before it is needed (rego.md 9).</summary>
internal sealed class Safety(CompileErrors errors, string file, Action checkTime)
{
    private readonly HashSet<(string, int, int)> _reported = [];

    public void Rule(ClauseIr clause)
    {
        var safe = new HashSet<Var>(clause.Args);
        Order(clause.Body, safe);
        foreach (var term in clause.DynamicKeys.Append(clause.SetKey).Append(clause.Value))
        {
            if (term is not null) Head(term, safe);
        }
    }

    public HashSet<Var> Query(IrBody body)
    {
        var safe = new HashSet<Var>();
        Order(body, safe);
        return safe;
    }

    private void Head(Ir term, HashSet<Var> safe)
    {
        var view = new VarView(safe);
        var missing = new List<IrVar>();
        Patterns.BindBrackets(term, view, missing);
        Patterns.Needed(term, missing);
        view.Keep();
        Report(missing, safe);
        OrderInside(term, safe);
    }

    /// <summary>Orders a body in place and adds what it binds to the safe set.</summary>
    private void Order(IrBody body, HashSet<Var> safe)
    {
        var waiting = body.Literals.SelectMany(Split).ToList();
        var ordered = new List<IrLiteral>(waiting.Count);
        var start = 0;
        while (waiting.Count > start)
        {
            var at = -1;
            VarView? after = null;
            for (var i = start; i < waiting.Count; i++)
            {
                checkTime();
                after = Try(waiting[i], safe, []);
                if (after is null) continue;
                at = i;
                break;
            }

            if (at < 0)
            {
                ReportBlocked(waiting.Skip(start), safe);
                break;
            }

            var literal = waiting[at];
            // In source order nothing moves; only literals that had to wait are shifted.
            if (at == start) start++;
            else waiting.RemoveAt(at);
            if (start > 64 && start * 2 > waiting.Count)
            {
                waiting.RemoveRange(0, start);
                start = 0;
            }

            after!.Keep();
            OrderInside(literal, safe);
            ordered.Add(literal);
        }

        body.Literals = ordered;
    }

    private static IEnumerable<IrLiteral> Split(IrLiteral literal)
    {
        if (literal is not IrUnify { Negated: false } u) return [literal];
        IEnumerable<(Ir, Ir)>? parts = (u.Left, u.Right) switch
        {
            (IrArray a, IrArray b) when a.Items.Count == b.Items.Count && a.Items.Count > 0 => a.Items.Zip(b.Items),
            (IrObject a, IrObject b) when SameKeys(a, b) => a.Pairs.Select(p => (p.Value, b.Pairs.First(q => Key(q.Key) == Key(p.Key)).Value)),
            _ => null,
        };
        return parts is null ? [literal] : parts.SelectMany(p => Split(new IrUnify(p.Item1, p.Item2, u.Tests, false, u.At) { With = u.With }));
    }

    private static bool SameKeys(IrObject a, IrObject b)
    {
        if (a.Pairs.Count != b.Pairs.Count) return false;
        var keys = a.Pairs.Select(p => Key(p.Key)).ToHashSet();
        return !keys.Contains(null) && keys.Count == a.Pairs.Count && keys.SetEquals(b.Pairs.Select(p => Key(p.Key)));
    }

    private static RegoValue? Key(Ir key) => (key as IrConst)?.Value;

    /// <summary>What is safe after the literal, or null when it cannot run yet; then the variables it lacks.</summary>
    private static VarView? Try(IrLiteral literal, HashSet<Var> safe, List<IrVar> missing)
    {
        var view = new VarView(safe);
        foreach (var with in literal.With)
        {
            var values = new List<IrVar>();
            Patterns.All(with.Value, values);
            missing.AddRange(values.Where(v => !safe.Contains(v.Var)));
        }

        switch (literal)
        {
            case IrExpression { Negated: true } e:
                Require(e.Term, view, missing, all: true);
                break;
            case IrExpression e:
                Patterns.BindBrackets(e.Term, view, missing);
                Require(e.Term, view, missing);
                if (e.Term is IrCall { Output: { } output }) Match(output, view, missing);
                break;
            case IrUnify { Negated: true } u:
                Require(u.Left, view, missing, all: true);
                Require(u.Right, view, missing, all: true);
                break;
            case IrUnify u:
                Patterns.BindBrackets(u.Left, view, missing);
                Patterns.BindBrackets(u.Right, view, missing);
                if (u.Tests)
                {
                    Require(u.Left, view, missing);
                    Require(u.Right, view, missing);
                }
                else
                {
                    Equate(u, view, missing);
                }

                break;
            case IrSomeIn s:
                Patterns.BindBrackets(s.Collection, view, missing);
                Require(s.Collection, view, missing);
                if (s.Key is not null) Match(s.Key, view, missing);
                Match(s.Value, view, missing);
                break;
            case IrEvery e:
                Patterns.BindBrackets(e.Domain, view, missing);
                Require(e.Domain, view, missing);
                missing.AddRange(e.Body.Free.Where(v => !view.Contains(v)).Select(v => new IrVar(v, e.At)));
                break;
        }

        return missing.Count > 0 ? null : view;
    }

    private static void Require(Ir term, VarView safe, List<IrVar> missing, bool all = false)
    {
        var needed = new List<IrVar>();
        if (all) Patterns.All(term, needed);
        else Patterns.Needed(term, needed);
        missing.AddRange(needed.Where(v => !safe.Contains(v.Var)));
    }

    private static void Match(Ir pattern, VarView view, List<IrVar> missing)
    {
        Patterns.BindBrackets(pattern, view, missing);
        var needed = new List<IrVar>();
        Patterns.NeededByPattern(pattern, needed);
        missing.AddRange(needed.Where(v => !view.Contains(v.Var)));
        var bound = new HashSet<Var>();
        Patterns.Bindable(pattern, bound);
        view.Add(bound);
    }

    private static void Equate(IrUnify u, VarView view, List<IrVar> missing)
    {
        var needed = new List<IrVar>();
        Patterns.NeededByPattern(u.Left, needed);
        Patterns.NeededByPattern(u.Right, needed);
        missing.AddRange(needed.Where(v => !view.Contains(v.Var)));
        var left = new HashSet<Var>();
        var right = new HashSet<Var>();
        Patterns.Bindable(u.Left, left);
        Patterns.Bindable(u.Right, right);
        left.RemoveWhere(view.Contains);
        right.RemoveWhere(view.Contains);
        if (left.Count > 0 && right.Count > 0)
        {
            missing.AddRange(left.Select(v => new IrVar(v, u.Left.At)));
            missing.AddRange(right.Select(v => new IrVar(v, u.Right.At)));
            return;
        }

        view.Add(left);
        view.Add(right);
    }

    private void OrderInside(IrLiteral literal, HashSet<Var> safe)
    {
        foreach (var with in literal.With) OrderInside(with.Value, safe);
        switch (literal)
        {
            case IrExpression e:
                OrderInside(e.Term, safe);
                break;
            case IrUnify u:
                OrderInside(u.Left, safe);
                OrderInside(u.Right, safe);
                break;
            case IrSomeIn s:
                OrderInside(s.Collection, safe);
                break;
            case IrEvery e:
                OrderInside(e.Domain, safe);
                // A nested body's variables are its own, so one set serves all.
                safe.Add(e.Value);
                if (e.Key is not null) safe.Add(e.Key);
                Order(e.Body, safe);
                break;
        }
    }

    private void OrderInside(Ir term, HashSet<Var> safe)
    {
        switch (term)
        {
            case IrRef r:
                OrderInside(r.Root, safe);
                foreach (var key in r.Keys) OrderInside(key, safe);
                break;
            case IrArray a:
                foreach (var item in a.Items) OrderInside(item, safe);
                break;
            case IrSet s:
                foreach (var item in s.Items) OrderInside(item, safe);
                break;
            case IrObject o:
                foreach (var (key, value) in o.Pairs)
                {
                    OrderInside(key, safe);
                    OrderInside(value, safe);
                }

                break;
            case IrCall c:
                foreach (var arg in c.Args) OrderInside(arg, safe);
                if (c.Output is not null) OrderInside(c.Output, safe);
                break;
            case IrComprehension c:
                Order(c.Body, safe);
                if (c.Key is not null) Head(c.Key, safe);
                Head(c.Value, safe);
                break;
        }
    }

    private void ReportBlocked(IEnumerable<IrLiteral> literals, HashSet<Var> safe)
    {
        foreach (var literal in literals)
        {
            var missing = new List<IrVar>();
            Try(literal, safe, missing);
            Report(missing, safe);
        }
    }

    private void Report(List<IrVar> missing, HashSet<Var> safe)
    {
        foreach (var v in missing)
        {
            if (safe.Contains(v.Var) || v.Var.Origin == VarOrigin.Generated) continue;
            if (!_reported.Add((v.Var.Name, v.Var.At.Line, v.Var.At.Column))) continue;
            errors.Add(Phase.Safety, "rego_unsafe_var_error", $"var {v.Var.Name} is unsafe", file, v.At);
        }
    }
}

/// <summary>A set of safe variables with additions that are kept only when asked for.</summary>
internal sealed class VarView(HashSet<Var> known)
{
    private HashSet<Var>? _added;

    public bool Contains(Var v) => known.Contains(v) || (_added is not null && _added.Contains(v));

    public void Add(IEnumerable<Var> more)
    {
        foreach (var v in more)
        {
            if (!known.Contains(v)) (_added ??= []).Add(v);
        }
    }

    public void Keep()
    {
        if (_added is not null) known.UnionWith(_added);
    }
}
