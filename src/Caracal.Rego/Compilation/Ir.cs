using Caracal.Rego.Builtins;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

internal enum VarOrigin : byte
{
    Argument,
    Assigned,
    Declared,
    Pattern,
    Implicit,
    Wildcard,
    Generated,
}

/// <summary>A variable of one clause, after names have been resolved.</summary>
internal sealed class Var(string name, VarOrigin origin, Place at)
{
    public string Name { get; } = name;

    public VarOrigin Origin { get; } = origin;

    public Place At { get; } = at;

    public bool Used { get; set; }

    /// <summary>The register, once one has been given.</summary>
    public int Slot { get; set; } = -1;
}

/// <summary>A resolved term.</summary>
internal abstract class Ir(Place at)
{
    public Place At { get; } = at;
}

internal sealed class IrConst(RegoValue value, Place at) : Ir(at)
{
    public RegoValue Value { get; } = value;
}

internal sealed class IrVar(Var variable, Place at) : Ir(at)
{
    public Var Var { get; } = variable;
}

internal sealed class IrInput(Place at) : Ir(at);

internal sealed class IrData(Place at) : Ir(at);

/// <summary>A reference; its root is a document, a variable, or any other term but a reference.</summary>
internal sealed class IrRef(Ir root, IReadOnlyList<Ir> keys, Place at) : Ir(at)
{
    public Ir Root { get; } = root;

    public IReadOnlyList<Ir> Keys { get; } = keys;
}

internal sealed class IrArray(IReadOnlyList<Ir> items, Place at) : Ir(at)
{
    public IReadOnlyList<Ir> Items { get; } = items;
}

internal sealed class IrSet(IReadOnlyList<Ir> items, Place at) : Ir(at)
{
    public IReadOnlyList<Ir> Items { get; } = items;
}

internal sealed class IrObject(IReadOnlyList<(Ir Key, Ir Value)> pairs, Place at) : Ir(at)
{
    public IReadOnlyList<(Ir Key, Ir Value)> Pairs { get; } = pairs;
}

/// <summary>A call of a builtin or of a function of the policy; the output is the optional extra argument.</summary>
internal sealed class IrCall(Builtin? builtin, RuleGroup? function, IReadOnlyList<Ir> args, Ir? output, Place at) : Ir(at)
{
    public Builtin? Builtin { get; } = builtin;

    public RuleGroup? Function { get; } = function;

    public IReadOnlyList<Ir> Args { get; } = args;

    public Ir? Output { get; } = output;
}

internal sealed class IrComprehension(ComprehensionKind kind, Ir? key, Ir value, IrBody body, Place at) : Ir(at)
{
    public ComprehensionKind Kind { get; } = kind;

    public Ir? Key { get; } = key;

    public Ir Value { get; } = value;

    public IrBody Body { get; } = body;
}

/// <summary>The literals of a body, and the variables that belong to it.</summary>
internal sealed class IrBody
{
    public List<IrLiteral> Literals { get; set; } = [];

    public HashSet<Var> Locals { get; } = [];

    /// <summary>Variables of enclosing bodies that occur here, or in what the body computes.</summary>
    public HashSet<Var> Free { get; } = [];
}

internal enum WithKind : byte
{
    Input,
    Data,
    Builtin,
    Function,
}

internal sealed record IrWith(WithKind Kind, IReadOnlyList<RegoValue> Path, Builtin? Builtin, RuleGroup? Function, Ir Value, Replacement? Replacement, Place At);

/// <summary>A function that stands in for another; without one the value itself does.</summary>
internal sealed record Replacement(Builtin? Builtin, RuleGroup? Function);

internal abstract class IrLiteral(Place at)
{
    public Place At { get; } = at;

    public IReadOnlyList<IrWith> With { get; set; } = [];
}

internal sealed class IrExpression(Ir term, bool negated, Place at) : IrLiteral(at)
{
    public Ir Term { get; } = term;

    public bool Negated { get; } = negated;
}

/// <summary>Two terms made equal; when it only tests, neither side binds plain variables.</summary>
internal sealed class IrUnify(Ir left, Ir right, bool tests, bool negated, Place at) : IrLiteral(at)
{
    public Ir Left { get; } = left;

    public Ir Right { get; } = right;

    public bool Tests { get; } = tests;

    public bool Negated { get; } = negated;
}

internal sealed class IrSomeIn(Ir? key, Ir value, Ir collection, Place at) : IrLiteral(at)
{
    public Ir? Key { get; } = key;

    public Ir Value { get; } = value;

    public Ir Collection { get; } = collection;
}

internal sealed class IrEvery(Var? key, Var value, Ir domain, IrBody body, Place at) : IrLiteral(at)
{
    public Var? Key { get; } = key;

    public Var Value { get; } = value;

    public Ir Domain { get; } = domain;

    public IrBody Body { get; } = body;
}
