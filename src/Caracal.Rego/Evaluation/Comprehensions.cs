using Caracal.Rego.Syntax;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>A comprehension: its body collects into an accumulator held in a register.</summary>
internal sealed class ComprehensionExpr(ComprehensionKind kind, Plan body, int slot) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        var accumulator = ctx.Scratch.Rent(kind);
        r[slot] = accumulator;
        ctx.GuardStack();
        body.Run(ctx, r, 0);
        return accumulator.Finish(ctx);
    }
}

/// <summary>Collects the results of a comprehension or of partial rules; rented from the evaluation's scratch space.</summary>
internal sealed class Accumulator : RegoValue
{
    private const int KeptItems = 1024;

    private readonly List<RegoValue> _items = [];
    private ComprehensionKind _kind;
    private KeyTable? _members;
    private ObjectBuilder? _pairs;

    public override RegoKind Kind => throw new InvalidOperationException("an accumulator is not a value");

    public override bool Equals(RegoValue? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => 0;

    /// <summary>Empties it, also of what an evaluation left that ended in the middle.</summary>
    public void Start(ComprehensionKind kind)
    {
        _kind = kind;
        _members = null;
        _pairs = null;
        _items.Clear();
        if (_items.Capacity > KeptItems) _items.Capacity = 0;
    }

    public void Add(EvalContext ctx, RegoValue value)
    {
        ctx.Charge(value.Size / 64);
        if (_kind == ComprehensionKind.Array)
        {
            _items.Add(value);
            ctx.ChargeMemory(16);
            ctx.CheckCollection(_items.Count);
            return;
        }

        _members ??= new KeyTable(4);
        if (_members.Find(value) >= 0) return;
        _members.Append(value);
        ctx.ChargeMemory(24);
        ctx.CheckCollection(_members.Count);
    }

    public bool Add(EvalContext ctx, RegoValue key, RegoValue value)
    {
        _pairs ??= new ObjectBuilder();
        ctx.Charge((key.Size + value.Size) / 64);
        if (!_pairs.TryAdd(key, value)) return false;
        ctx.ChargeMemory(40);
        ctx.CheckCollection(_pairs.Count);
        return true;
    }

    /// <summary>The value; the accumulator goes back to the scratch space.</summary>
    public RegoValue Finish(EvalContext ctx)
    {
        ctx.ChargeMemory(64);
        RegoValue value = _kind switch
        {
            ComprehensionKind.Array => ctx.Scratch.Lists.Get(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_items)),
            ComprehensionKind.Set => _members is null ? SetValue.Empty : new SetValue(_members),
            _ => _pairs?.Build() ?? ObjectValue.Empty,
        };
        Start(_kind);
        ctx.Scratch.Return(this);
        return value;
    }
}
