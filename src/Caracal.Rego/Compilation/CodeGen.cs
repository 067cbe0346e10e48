using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>Turns ordered bodies into plans. Terms and references have their own files.</summary>
internal sealed partial class CodeGen(TreeNode root, bool remembersCalls, RegoCoverage? coverage = null)
{
    private string _file = "";
    private GroupUses _uses = new();
    private HashSet<Var> _bound = [];
    private int _registers;

    /// <summary>How many operations have been made.</summary>
    public int OpCount { get; private set; }

    /// <summary>How many calls with constant arguments there are, each with a place for its value.</summary>
    public int CallCount { get; private set; }

    public Clause Clause(RuleGroup group, ClauseIr ir, string file, bool decides)
    {
        Start(group.Uses, file, ir.Args);
        var ops = new List<Op>();
        Body(ir.Body, ops);
        var place = Place(ir.At);
        if (coverage is not null) ops.Add(coverage.Probe(place));
        switch (group.Kind)
        {
            case GroupKind.Set:
                ops.Add(new EmitItemOp(Ready(ir.SetKey!, ops), 0, place));
                break;
            case GroupKind.Object:
                var keys = ir.DynamicKeys.Select(k => Ready(k, ops)).ToArray();
                ops.Add(new EmitPathOp(keys, Ready(ir.SetKey ?? ir.Value, ops), ir.SetKey is not null, place));
                break;
            default:
                var conflict = group.Kind == GroupKind.Complete ? RuleRun.CompleteConflict : RuleRun.FunctionConflict;
                ops.Add(new EmitValueOp(Ready(ir.Value, ops), decides, conflict, place));
                break;
        }

        OpCount += ops.Count;
        return new Clause(new Plan([.. ops]), _registers, place);
    }

    /// <summary>A query's plan, the registers it needs, and those of the named variables.</summary>
    public (Plan Plan, int Registers) Query(IrBody body, IReadOnlyList<Var> named, bool isValue, GroupUses uses)
    {
        Start(uses, "", []);
        var ops = new List<Op>();
        Body(body, ops);
        ops.Add(isValue && named.Count == 1 ? new EmitResultOp(named[0].Slot) : new EmitSolutionOp([.. named.Select(v => v.Slot)]));
        return (new Plan([.. ops]), _registers);
    }

    private void Start(GroupUses uses, string file, IReadOnlyList<Var> args)
    {
        _uses = uses;
        _file = file;
        _bound = [.. args];
        _registers = 1;
        foreach (var arg in args) arg.Slot = _registers++;
    }

    private SourcePlace Place(Place at) => new(_file, at.Line, at.Column);

    private void Body(IrBody body, List<Op> ops)
    {
        foreach (var literal in body.Literals) Literal(literal, ops);
    }

    private void Literal(IrLiteral literal, List<Op> ops)
    {
        if (coverage is not null) ops.Add(coverage.Probe(Place(literal.At)));
        if (literal.With.Count == 0)
        {
            Core(literal, ops);
            return;
        }

        var targets = new WithTarget[literal.With.Count];
        for (var i = 0; i < targets.Length; i++)
        {
            var with = literal.With[i];
            var value = Ready(with.Value, ops);
            if (with.Replacement?.Function is { } f) _uses.Groups.Add(f);
            if (with.Replacement?.Builtin is { } b) NoteBuiltin(b);
            targets[i] = new WithTarget(with.Kind, [.. with.Path], (object?)with.Builtin ?? with.Function, value, with.Replacement);
        }

        var inner = new List<Op>();
        Core(literal, inner);
        var resume = new ResumeOp();
        inner.Add(resume);
        ops.Add(new WithOp(targets, new Plan([.. inner]), resume, Place(literal.At)));
    }

    private void Core(IrLiteral literal, List<Op> ops)
    {
        var place = Place(literal.At);
        switch (literal)
        {
            case IrExpression { Negated: true } e:
                Negated(e, ops, place);
                break;
            case IrExpression { Term: IrCall { Output: { } output } call }:
                var lifted = (IrCall)LiftArguments(call, ops);
                output = Lift(output, ops);
                if (call.Builtin is { IsRelation: true })
                {
                    Match(output, new RegisterExpr(Relation(lifted, ops)), ops, place);
                    break;
                }

                Match(output, Expression(lifted), ops, place);
                break;
            case IrExpression e:
                ops.Add(new TestOp(Ready(e.Term, ops), place));
                break;
            case IrUnify { Negated: true } u:
                var left = Expression(HoistInside(u.Left, ops));
                var right = Expression(HoistInside(u.Right, ops));
                ops.Add(new EqualOp(left, right, true, place));
                break;
            case IrUnify u:
                Unify(Lift(u.Left, ops), Lift(u.Right, ops), ops, place);
                break;
            case IrSomeIn s:
                SomeIn(s, ops, place);
                break;
            case IrEvery e:
                Every(e, ops, place);
                break;
        }
    }

    private void Negated(IrExpression e, List<Op> ops, SourcePlace place)
    {
        if (e.Term is not IrCall call)
        {
            ops.Add(new NotOp(Expression(HoistInside(e.Term, ops)), place));
            return;
        }

        var args = call.Args.Select(a => HoistOperand(a, ops)).ToList();
        var bare = new IrCall(call.Builtin, call.Function, args, null, call.At);
        if (call.Output is not null)
        {
            ops.Add(new EqualOp(Expression(bare), Expression(HoistOperand(call.Output, ops)), true, place));
            return;
        }

        if (call.Builtin is { IsRelation: true })
        {
            ops.Add(new NotOp(new ConstExpr(RegoValue.True), place));
            return;
        }

        ops.Add(new NotOp(Expression(bare), place));
    }

    private void SomeIn(IrSomeIn s, List<Op> ops, SourcePlace place)
    {
        var collection = Ready(s.Collection, ops);
        var key = s.Key is null ? -1 : Target(s.Key);
        var value = Target(s.Value);
        ops.Add(new IterateOp(collection, key, value, true, place));
        if (s.Key is not null) Destructure(s.Key, key, ops, place);
        Destructure(s.Value, value, ops, place);
    }

    /// <summary>The register an element goes to: the variable's own, or a fresh one to be taken apart.</summary>
    private int Target(Ir pattern)
    {
        if (pattern is IrVar { Var.Origin: VarOrigin.Wildcard }) return -1;
        if (pattern is IrVar v && _bound.Add(v.Var)) return v.Var.Slot = _registers++;
        return _registers++;
    }

    private void Destructure(Ir pattern, int slot, List<Op> ops, SourcePlace place)
    {
        if (slot < 0 || (pattern is IrVar v && v.Var.Slot == slot)) return;
        Match(Lift(pattern, ops), new RegisterExpr(slot), ops, place);
    }

    private void Every(IrEvery e, List<Op> ops, SourcePlace place)
    {
        var domain = Ready(e.Domain, ops);
        var key = -1;
        if (e.Key is { Origin: not VarOrigin.Wildcard } k)
        {
            key = k.Slot = _registers++;
            _bound.Add(k);
        }

        var value = -1;
        if (e.Value.Origin != VarOrigin.Wildcard)
        {
            value = e.Value.Slot = _registers++;
            _bound.Add(e.Value);
        }

        var inner = new List<Op>();
        Body(e.Body, inner);
        inner.Add(new StopOp());
        OpCount += inner.Count;
        ops.Add(new EveryOp(domain, key, value, new Plan([.. inner]), place));
    }

    private void Unify(Ir left, Ir right, List<Op> ops, SourcePlace place)
    {
        if (IsBound(right)) Match(left, Expression(right), ops, place, right);
        else if (IsBound(left)) Match(right, Expression(left), ops, place, left);
        else if (left is IrArray a && right is IrArray b && a.Items.Count == b.Items.Count)
        {
            for (var i = 0; i < a.Items.Count; i++) Unify(a.Items[i], b.Items[i], ops, place);
        }
        else if (left is IrVar { Var.Origin: VarOrigin.Wildcard } || right is IrVar { Var.Origin: VarOrigin.Wildcard })
        {
            // Nothing to learn and nothing to test.
        }
        else
        {
            BindAll(left);
            BindAll(right);
            ops.Add(new FailOp(place));
        }
    }

    private void BindAll(Ir term)
    {
        var vars = new HashSet<Var>();
        Patterns.Bindable(term, vars);
        foreach (var v in vars)
        {
            if (_bound.Add(v)) v.Slot = _registers++;
        }
    }

    /// <summary>Takes a value apart along a pattern.</summary>
    private void Match(Ir pattern, Expr value, List<Op> ops, SourcePlace place, Ir? source = null)
    {
        switch (pattern)
        {
            case IrVar { Var.Origin: VarOrigin.Wildcard }:
                ops.Add(new DefinedOp(value, place));
                return;
            case IrVar v when !_bound.Contains(v.Var):
                v.Var.Slot = _registers++;
                _bound.Add(v.Var);
                ops.Add(new AssignOp(v.Var.Slot, value, place));
                return;
            case IrArray a when !IsBound(a):
                var array = InRegister(value, ops, place);
                ops.Add(new ArrayShapeOp(array.Slot, a.Items.Count, place));
                for (var i = 0; i < a.Items.Count; i++)
                    Match(a.Items[i], new IndexExpr(array, new ConstExpr(RegoValue.Number(i))), ops, place);
                return;
            case IrObject o when !IsBound(o):
                var obj = InRegister(value, ops, place);
                ops.Add(new ObjectShapeOp(obj.Slot, o.Pairs.Count, place));
                foreach (var (key, item) in o.Pairs) Match(item, new IndexExpr(obj, Expression(key)), ops, place);
                return;
            default:
                ops.Add(new EqualOp(Expression(pattern), value, false, place));
                return;
        }
    }

    private RegisterExpr InRegister(Expr value, List<Op> ops, SourcePlace place)
    {
        if (value is RegisterExpr known) return known;
        var slot = _registers++;
        ops.Add(new AssignOp(slot, value, place));
        return new RegisterExpr(slot);
    }

    private bool IsBound(Ir term) => term switch
    {
        IrVar v => _bound.Contains(v.Var),
        IrArray a => a.Items.All(IsBound),
        IrSet s => s.Items.All(IsBound),
        IrObject o => o.Pairs.All(p => IsBound(p.Key) && IsBound(p.Value)),
        _ => true,
    };
}
