using Caracal.Rego.Builtins;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Compilation;

/// <summary>Plans for terms and references.</summary>
internal sealed partial class CodeGen
{
    /// <summary>An expression for a term; what enumerates inside it becomes loops before.</summary>
    private Expr Ready(Ir term, List<Op> ops) => Expression(Lift(term, ops));

    /// <summary>An expression for an input path or an argument, outside any clause.</summary>
    public Expr IndexReference(Ir reference) => Expression(reference);

    /// <summary>Moves references that enumerate, and relations, out of a term, left to right and inner before outer.</summary>
    private Ir Lift(Ir term, List<Op> ops)
    {
        switch (term)
        {
            case IrRef r: return LiftReference(r, ops);
            case IrCall c:
                var call = (IrCall)LiftArguments(c, ops);
                return c.Builtin is { IsRelation: true } ? Bound(Relation(call, ops), c.At) : call;
            case IrArray a: return new IrArray([.. a.Items.Select(i => Lift(i, ops))], a.At);
            case IrSet s: return new IrSet([.. s.Items.Select(i => Lift(i, ops))], s.At);
            case IrObject o: return new IrObject([.. o.Pairs.Select(p => (Lift(p.Key, ops), Lift(p.Value, ops)))], o.At);
            default: return term;
        }
    }

    private Ir LiftArguments(IrCall c, List<Op> ops) => new IrCall(c.Builtin, c.Function, [.. c.Args.Select(a => Lift(a, ops))], null, c.At);

    private Ir LiftReference(IrRef r, List<Op> ops)
    {
        var start = Lift(r.Root, ops);
        var keys = new List<Ir>(r.Keys.Count);
        foreach (var key in r.Keys) keys.Add(Lift(key, ops));
        var first = keys.FindIndex(k => !IsBound(k));
        if (first < 0) return new IrRef(start, keys, r.At);

        if (start is IrData) NotePath(keys);
        var collection = Reference(start, keys[..first], note: false);
        var pattern = keys[first];
        var rest = keys[(first + 1)..];
        var place = Place(r.At);
        var key0 = Target(pattern);
        var value = _registers++;
        ops.Add(new IterateOp(collection, key0, value, rest.Count == 0, place));
        Destructure(pattern, key0, ops, place);
        var element = Bound(value, r.At);
        return rest.Count == 0 ? element : LiftReference(new IrRef(element, rest, r.At), ops);
    }

    private IrVar Bound(int slot, Place at)
    {
        var v = new Var("generated", VarOrigin.Generated, at) { Slot = slot };
        _bound.Add(v);
        return new IrVar(v, at);
    }

    private int Relation(IrCall call, List<Op> ops)
    {
        NoteBuiltin(call.Builtin!);
        var slot = _registers++;
        ops.Add(new RelationOp(call.Builtin!, [.. call.Args.Select(Expression)], slot, Place(call.At)));
        return slot;
    }

    /// <summary>For a negated literal: an operand that is a reference or a comprehension is evaluated outside the negation.</summary>
    private Ir HoistOperand(Ir term, List<Op> ops)
    {
        var inside = HoistInside(term, ops);
        if (inside is not (IrRef or IrComprehension or IrCall)) return inside;
        var slot = _registers++;
        ops.Add(new AssignOp(slot, Expression(inside), Place(term.At)));
        return Bound(slot, term.At);
    }

    /// <summary>For a negated literal: what stands inside brackets or literals is evaluated outside the negation.</summary>
    private Ir HoistInside(Ir term, List<Op> ops)
    {
        switch (term)
        {
            case IrRef r:
                var start = r.Root is IrRef or IrCall ? HoistOperand(r.Root, ops) : HoistInside(r.Root, ops);
                return new IrRef(start, [.. r.Keys.Select(k => HoistOperand(k, ops))], r.At);
            case IrCall c: return new IrCall(c.Builtin, c.Function, [.. c.Args.Select(a => HoistOperand(a, ops))], null, c.At);
            case IrArray a: return new IrArray([.. a.Items.Select(i => HoistOperand(i, ops))], a.At);
            case IrSet s: return new IrSet([.. s.Items.Select(i => HoistOperand(i, ops))], s.At);
            case IrObject o: return new IrObject([.. o.Pairs.Select(p => (HoistOperand(p.Key, ops), HoistOperand(p.Value, ops)))], o.At);
            default: return term;
        }
    }

    private Expr Expression(Ir term)
    {
        switch (term)
        {
            case IrConst c: return new ConstExpr(c.Value);
            case IrVar v: return new RegisterExpr(v.Var.Slot);
            case IrInput:
                _uses.Varies = true;
                return new InputExpr();
            case IrData: return Reference(term, []);
            case IrRef r: return Reference(r.Root, r.Keys);
            case IrArray a: return new ArrayExpr([.. a.Items.Select(Expression)]);
            case IrSet s: return new SetExpr([.. s.Items.Select(Expression)]);
            case IrObject o: return Object(o);
            case IrCall { Builtin: { } builtin } c:
                NoteBuiltin(builtin);
                return BuiltinCall(builtin, c);
            case IrCall { Function: { } function } c:
                _uses.Groups.Add(function);
                var call = new FunctionExpr(function, [.. c.Args.Select(Expression)], Place(c.At));
                return remembersCalls && c.Args.All(a => a is IrConst) ? new ConstantCallExpr(function, call, CallCount++) : call;
            case IrComprehension c: return Comprehension(c);
            default: throw new InvalidOperationException($"no plan for {term.GetType().Name}");
        }
    }

    private Expr BuiltinCall(Builtin builtin, IrCall c)
    {
        var place = Place(c.At);
        if (builtin.Name != "sprintf" || c.Args[1] is not IrArray { Items.Count: <= SprintfExpr.Most } list)
            return new BuiltinExpr(builtin, [.. c.Args.Select(Expression)], place);
        var format = Expression(c.Args[0]);
        Expr[] items = [.. list.Items.Select(Expression)];
        return new SprintfExpr(new BuiltinExpr(builtin, [format, new ArrayExpr(items)], place), format, items, place);
    }

    private Expr Object(IrObject o)
    {
        var keys = new KeyTable(o.Pairs.Count);
        foreach (var (key, _) in o.Pairs)
        {
            if (key is IrConst c && keys.Find(c.Value) < 0) keys.Append(c.Value);
        }

        if (keys.Count == o.Pairs.Count) return new RecordExpr(keys.Sealed(), [.. o.Pairs.Select(p => Expression(p.Value))]);
        return new ObjectExpr([.. o.Pairs.Select(p => (Expression(p.Key), Expression(p.Value)))], Place(o.At));
    }

    private void NoteBuiltin(Builtin builtin)
    {
        _uses.Builtins.Add(builtin.Name);
        _uses.Varies |= builtin.Varies;
    }

    private ComprehensionExpr Comprehension(IrComprehension c)
    {
        // The body's variables are its own, so they may stay in the bound set.
        var slot = _registers++;
        var ops = new List<Op>();
        Body(c.Body, ops);
        var place = Place(c.At);
        if (c.Key is not null)
        {
            var key = Ready(c.Key, ops);
            ops.Add(new EmitPairOp(key, Ready(c.Value, ops), slot, place));
        }
        else
        {
            ops.Add(new EmitItemOp(Ready(c.Value, ops), slot, place));
        }

        OpCount += ops.Count;
        return new ComprehensionExpr(c.Kind, new Plan([.. ops]), slot);
    }

    /// <summary>A reference whose keys are all bound.</summary>
    private Expr Reference(Ir start, IReadOnlyList<Ir> keys, bool note = true)
    {
        if (start is not IrData) return Chain(Expression(start), keys, 0);
        if (note) NotePath(keys);
        var node = root;
        var path = new List<RegoValue>();
        while (path.Count < keys.Count && keys[path.Count] is IrConst { Value: var key })
        {
            path.Add(key);
            if (node.Child(key) is not { } child || child.IsFunctionOnly)
            {
                while (path.Count < keys.Count && keys[path.Count] is IrConst { Value: var more }) path.Add(more);
                return Chain(new BaseExpr([.. path]), keys, path.Count);
            }

            node = child;
            if (node.Document is { } group) return Chain(new GroupExpr(group, [.. path]), keys, path.Count);
        }

        return Chain(new NodeExpr(node, [.. path]), keys, path.Count);
    }

    private void NotePath(IReadOnlyList<Ir> keys) => _uses.DataPaths.Add([.. keys.Select(k => (k as IrConst)?.Value)]);

    private Expr Chain(Expr start, IReadOnlyList<Ir> keys, int from)
    {
        var at = from;
        while (at < keys.Count)
        {
            var names = new List<StringValue>();
            while (at < keys.Count && keys[at] is IrConst { Value: StringValue s })
            {
                names.Add(KeyNames.Get(s.Text));
                at++;
            }

            if (names.Count > 0) start = new PathExpr(start, [.. names]);
            if (at < keys.Count) start = new IndexExpr(start, Expression(keys[at++]));
        }

        return start;
    }
}
