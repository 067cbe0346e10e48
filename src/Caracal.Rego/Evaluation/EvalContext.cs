using System.Diagnostics;
using System.Runtime.CompilerServices;
using Caracal.Rego.Builtins;
using Caracal.Rego.Compilation;

namespace Caracal.Rego.Evaluation;

/// <summary>Everything one evaluation changes: registers, caches, budgets. Reused by later evaluations.</summary>
internal sealed class EvalContext
{
    private const int TicksPerCheck = 1024;

    private RegoValue?[] _stack = new RegoValue?[256];
    private RegoValue?[]? _spare;
    private int _top;
    private int _high;
    private int _depth;
    private int _ticks;
    private long _steps;
    private long _stepLimit;
    private long _memory;
    private long _memoryLimit;
    private long _deadline;
    private CancellationToken _cancel;
    private bool _strict;
    private RegoValue?[] _rootCache = [];
    private Layer _root = new(null, null, null, null, []);
    private readonly List<int> _touched = [];

    public PolicyState Policy { get; private set; } = null!;

    public Layer Layer { get; set; } = null!;

    public RegoLimits Limits { get; private set; } = RegoLimits.Default;

    public EvalOptions Options { get; private set; } = null!;

    /// <summary>Whether values kept with the policy may be used; queries that replace things must not.</summary>
    public bool UsesConstants { get; private set; }

    public bool Explains => Explanation is not null;

    /// <summary>Where to tell of the rules that are tried now; null while nobody wants to know.</summary>
    public Explanation? Explanation { get; private set; }

    /// <summary>The explanation that belongs to the result because its options ask for one.</summary>
    public Explanation? Asked => Options.Explain ? Explanation : null;

    /// <summary>The value of a query that is one expression.</summary>
    public RegoValue? Result { get; set; }

    public List<RegoValue?[]> Solutions { get; } = [];

    public Scratch Scratch { get; } = new();

    /// <summary>The body whose failing condition is looked for, while explaining.</summary>
    public Plan? ExplainedPlan { get; set; }

    public RegoError? FirstSuppressed { get; private set; }

    public int Suppressed { get; private set; }

    /// <summary>The furthest failing operation of the body being run, while explaining.</summary>
    public Op? FailedOp { get; set; }

    public int FailedAt { get; set; }

    public long Steps => _steps - Math.Max(0, _ticks);

    /// <summary>Bytes of values built so far, estimated.</summary>
    public long Memory => _memory;

    public SourcePlace Place { get; set; } = SourcePlace.None;

    public void Start(
        PolicyState policy, RegoValue? input, EvalOptions options, bool usesConstants, Explanation? explanation, CancellationToken cancellationToken)
    {
        Policy = policy;
        Options = options;
        Limits = policy.Plan.Limits;
        UsesConstants = usesConstants;
        Explanation = explanation;
        if (_rootCache.Length < policy.Plan.SlotCount)
        {
            _rootCache = new RegoValue?[Math.Max(16, policy.Plan.SlotCount)];
            _root = new Layer(null, null, null, null, _rootCache);
        }

        Layer = _root;
        _root.Input = input;
        Result = null;
        _stepLimit = options.StepLimit ?? Limits.Steps;
        _memoryLimit = options.MemoryLimit ?? Limits.MemoryBytes;
        _cancel = cancellationToken;
        _strict = options.StrictBuiltinErrors;
        var time = options.Deadline ?? Limits.Deadline;
        _deadline = time == Timeout.InfiniteTimeSpan ? long.MaxValue : Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        _steps = 0;
        _ticks = 0;
        _memory = 0;
        _depth = 0;
        _top = 0;
        _high = 0;
        FirstSuppressed = null;
        Suppressed = 0;
        FailedOp = null;
        FailedAt = -1;
        Place = SourcePlace.None;
    }

    /// <summary>Waits, at most as long as the evaluation may go on.</summary>
    public void Wait(TimeSpan time) => _cancel.WaitHandle.WaitOne(time);

    /// <summary>Forgets all values, so that a pooled context keeps nothing alive.</summary>
    public void Finish()
    {
        foreach (var slot in _touched) _rootCache[slot] = null;
        _touched.Clear();
        System.Array.Clear(_stack, 0, Math.Min(_stack.Length, Math.Max(_high, _top)));
        if (_stack.Length > 65_536) _stack = new RegoValue?[256];
        _spare = null;
        if (Solutions.Count > 0) Solutions.Clear();
        Explanation = null;
        _cancel = default;
        _root.Input = null;
        Result = null;
        Layer = null!;
        Policy = null!;
        Options = null!;
        FailedOp = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Tick()
    {
        if (--_ticks < 0) Check();
    }

    public void Charge(long steps)
    {
        if (steps <= 0) return;
        if (steps < TicksPerCheck && steps <= _ticks)
        {
            _ticks -= (int)steps;
            return;
        }

        _steps += steps;
        Check();
    }

    public void ChargeMemory(long bytes)
    {
        _memory += bytes;
        if (_memory > _memoryLimit) throw Limit("memory limit exceeded");
    }

    /// <summary>Charges for a value that was built outside the plan, as by a builtin.</summary>
    public void ChargeValue(RegoValue value)
    {
        switch (value.Kind)
        {
            case RegoKind.String:
                var length = value.AsString().Length;
                if (length > Limits.StringLength) throw Limit("string too long");
                if (length < 32) return;
                Charge(length / 32);
                ChargeMemory(length * 2L);
                break;
            case RegoKind.Array or RegoKind.Set or RegoKind.Object:
                CheckCollection(value.Count);
                Charge(value.Count / 8);
                ChargeMemory(64 + (value.Count * 24L));
                break;
        }
    }

    /// <summary>Charges for comparing two values; most are small and cost nothing beyond their step.</summary>
    public void ChargeComparison(RegoValue a, RegoValue b)
    {
        if (a.Kind < RegoKind.Array || b.Kind < RegoKind.Array) return;
        Charge(Math.Min(a.Size, b.Size) / 16);
    }

    /// <summary>Charges for writing a value as text, which is at least as long as the value is large.</summary>
    public void ChargeText(RegoValue value)
    {
        if (value.Size > Limits.StringLength) throw Limit("string too long");
        Charge(value.Size / 8);
    }

    /// <summary>Looks at the clock now: for work that takes longer than the steps it is charged.</summary>
    public void CheckTime()
    {
        if (_cancel.IsCancellationRequested || Stopwatch.GetTimestamp() >= _deadline)
            throw new EvalException("eval_cancel_error", "caller cancelled query execution", Place);
    }

    public void CheckCollection(int count)
    {
        if (count > Limits.CollectionSize) throw Limit("collection too large");
    }

    public EvalException Limit(string message) => new("eval_limit_error", message, Place);

    public void Enter()
    {
        if (++_depth > Limits.CallDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Limit("call depth exceeded");
    }

    public void Leave() => _depth--;

    /// <summary>Guards loops in loops, which nest on the stack of the thread.</summary>
    public void GuardStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Limit("loops nest too deeply");
    }

    /// <summary>Registers for a call; release them with <see cref="Release"/>.</summary>
    public Span<RegoValue?> Reserve(int count, out (RegoValue?[] Stack, int Top) mark)
    {
        mark = (_stack, _top);
        if (_top + count > _stack.Length)
        {
            var wanted = Math.Max(count, _stack.Length * 2);
            _stack = _spare is { } spare && spare.Length >= wanted ? spare : new RegoValue?[wanted];
            _spare = null;
            _top = 0;
        }

        var window = new Span<RegoValue?>(_stack, _top, count);
        _top += count;
        if (_top > _high) _high = _top;
        return window;
    }

    public void Release((RegoValue?[] Stack, int Top) mark)
    {
        if (!ReferenceEquals(_stack, mark.Stack)) _spare = _stack;
        _stack = mark.Stack;
        _top = mark.Top;
    }

    /// <summary>A cache for another context of documents and functions.</summary>
    public RegoValue?[] NewCache()
    {
        Charge(Policy.Plan.SlotCount / 16);
        return new RegoValue?[Policy.Plan.SlotCount];
    }

    public void Remember(int slot, RegoValue? value)
    {
        var cache = Layer.Cache;
        cache[slot] = value ?? UndefinedMark.Instance;
        if (ReferenceEquals(cache, _rootCache)) _touched.Add(slot);
    }

    /// <summary>The document a group defines; null when undefined.</summary>
    public RegoValue? ValueOf(RuleGroup group)
    {
        var constant = group.IsConstant && UsesConstants;
        var known = constant ? Policy.Constants[group.Slot] : null;
        known ??= Layer.Cache[group.Slot];
        if (known is not null) return ReferenceEquals(known, UndefinedMark.Instance) ? null : known;
        Enter();
        var (suppressed, explanation) = (Suppressed, Explanation);
        if (constant) Explanation = null; // later evaluations do not run it, so the first one must not tell of it either
        var value = RuleRun.Document(this, group);
        Explanation = explanation;
        Leave();
        Remember(group.Slot, value);
        // A strict evaluation must meet the builtin errors that this one passed over.
        if (constant && suppressed == Suppressed) Policy.Constants[group.Slot] = value ?? UndefinedMark.Instance;
        return value;
    }

    /// <summary>The full value of a node of the tree of rules, over the base data at the same place.</summary>
    public RegoValue? ValueOf(TreeNode node, RegoValue? below)
    {
        if (node.Document is { } group) return ValueOf(group);
        var constant = node.IsConstant && UsesConstants;
        var known = constant ? Policy.Constants[node.Slot] : null;
        known ??= Layer.Cache[node.Slot];
        if (known is not null) return known;
        Enter();
        var (suppressed, explanation) = (Suppressed, Explanation);
        if (constant) Explanation = null;
        var value = new DataCursor(node, below, null).Compose(this);
        Explanation = explanation;
        Leave();
        Remember(node.Slot, value);
        if (constant && suppressed == Suppressed) Policy.Constants[node.Slot] = value;
        return value;
    }

    /// <summary>The value of a call that is the same in every evaluation.</summary>
    public RegoValue? Constant(ref RegoValue? known, Expr call, Span<RegoValue?> r)
    {
        if (known is not null) return ReferenceEquals(known, UndefinedMark.Instance) ? null : known;
        var (suppressed, explanation) = (Suppressed, Explanation);
        Explanation = null;
        var value = call.EvalValue(this, r);
        Explanation = explanation;
        if (suppressed == Suppressed) known = value ?? UndefinedMark.Instance;
        return value;
    }

    public void NoteFailure(Plan plan, int at)
    {
        if (!ReferenceEquals(plan, ExplainedPlan) || at <= FailedAt) return;
        FailedAt = at;
        FailedOp = plan.Ops[at];
    }

    /// <summary>A builtin failed: strict evaluations end, others go on with undefined.</summary>
    public void BuiltinFailed(string code, string message, SourcePlace place)
    {
        if (_strict) throw new EvalException(code, message, place);
        Suppressed++;
        FirstSuppressed ??= new RegoError(code, message, place.File, place.Line, place.Column);
    }

    private void Check()
    {
        if (_ticks > 0) _steps -= _ticks; // what was granted but not used
        _ticks = 0;
        if (_steps >= _stepLimit) throw Limit("evaluation budget exceeded");
        CheckTime();
        var left = Math.Min(TicksPerCheck, _stepLimit - _steps);
        _steps += left;
        _ticks = (int)left - 1;
    }
}

/// <summary>A clause that was tried: whether it held, and the place of the furthest condition that failed.</summary>
internal readonly record struct TraceEntry(RuleGroup Group, Clause Clause, bool Held, SourcePlace? Failed);

/// <summary>What <c>with</c> changes: the documents, the functions, and a cache of its own.</summary>
internal sealed class Layer(Layer? outer, RegoValue? input, Overlay? data, Dictionary<object, Mock>? mocks, RegoValue?[] cache)
{
    public Layer? Outer { get; } = outer;

    public RegoValue? Input { get; set; } = input;

    public Overlay? Data { get; } = data;

    /// <summary>Replaced functions by builtin or rule group; null when there are none.</summary>
    public Dictionary<object, Mock>? Mocks { get; } = mocks;

    public RegoValue?[] Cache { get; } = cache;
}

/// <summary>What stands in for a function: another one, or a value.</summary>
internal sealed record Mock(Builtin? Builtin, RuleGroup? Function, RegoValue? Value);
