using Caracal.Rego.Evaluation;
using Caracal.Rego.Numbers;

namespace Caracal.Rego.Builtins;

internal delegate RegoValue? BuiltinBody(in BuiltinCall call);

internal delegate IEnumerable<RegoValue> RelationBody(EvalContext ctx, RegoValue[] args);

/// <summary>A function of the language: its name, what its operands may be, and what it does.</summary>
internal sealed class Builtin
{
    private readonly string[] _operands;
    private readonly int[] _masks;

    public Builtin(string name, string[] operands, BuiltinBody? body)
    {
        Name = name;
        _operands = operands;
        Body = body;
        _masks = [.. operands.Select(Mask)];
    }

    public string Name { get; }

    public int Arity => _operands.Length;

    public BuiltinBody? Body { get; }

    public RelationBody? Relation { get; init; }

    public bool IsRelation => Relation is not null;

    public bool IsDeprecated { get; init; }

    /// <summary>Whether two evaluations may give different results for the same operands.</summary>
    public bool Varies { get; init; }

    /// <summary>Whether the result is a part of an operand, so that building it costs nothing.</summary>
    public bool Selects { get; init; }

    /// <summary>Whether literal operands of a wrong type are left to evaluation.</summary>
    public bool TakesAnyLiteral { get; init; }

    public bool Accepts(int operand, RegoKind kind) => (_masks[operand] & (1 << (int)kind)) != 0;

    public RegoValue? Invoke(EvalContext ctx, ReadOnlySpan<RegoValue> args, SourcePlace place)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (!Accepts(i, args[i].Kind))
            {
                ctx.BuiltinFailed("eval_type_error", $"{Name}: operand {i + 1} must be {Wanted(_operands[i])} but got {KindName(args[i].Kind)}", place);
                return null;
            }

            if (args[i] is Values.StringValue { Text.Length: > 256 } s) ctx.Charge(s.Text.Length / 32);
            else if (args[i] is NumberValue { IsSmall: false } n) ctx.Charge(n.Weight);
        }

        if (Body is null)
        {
            ctx.BuiltinFailed("eval_builtin_error", $"{Name}: not available", place);
            return null;
        }

        ctx.Place = place;
        RegoValue? result;
        try
        {
            result = Body(new BuiltinCall(ctx, this, args, place));
        }
        catch (ArithmeticFault fault)
        {
            ctx.BuiltinFailed("eval_builtin_error", $"{Name}: {fault.Message}", place);
            return null;
        }

        if (result is not null && !Selects) ctx.ChargeValue(result);
        return result;
    }

    public IEnumerable<RegoValue> Relate(EvalContext ctx, RegoValue[] args) => Relation!(ctx, args);

    public static string KindName(RegoKind kind) => kind switch
    {
        RegoKind.Null => "null",
        RegoKind.Boolean => "boolean",
        RegoKind.Number => "number",
        RegoKind.String => "string",
        RegoKind.Array => "array",
        RegoKind.Object => "object",
        _ => "set",
    };

    private static string Wanted(string spec) => spec.Contains('|', StringComparison.Ordinal) ? $"one of {{{spec.Replace("|", ", ", StringComparison.Ordinal)}}}" : spec;

    private static int Mask(string spec)
    {
        if (spec == "any") return ~0;
        var mask = 0;
        foreach (var name in spec.Split('|'))
        {
            for (var kind = RegoKind.Null; kind <= RegoKind.Set; kind++)
            {
                if (KindName(kind) == name) mask |= 1 << (int)kind;
            }
        }

        return mask;
    }
}

/// <summary>One call of a builtin: its operands and the ways to fail.</summary>
internal readonly ref struct BuiltinCall(EvalContext ctx, Builtin builtin, ReadOnlySpan<RegoValue> args, SourcePlace place)
{
    private readonly ReadOnlySpan<RegoValue> _args = args;

    public EvalContext Context { get; } = ctx;

    public RegoValue this[int index] => _args[index];

    public string Text(int index) => ((Values.StringValue)_args[index]).Text;

    public NumberValue Number(int index) => (NumberValue)_args[index];

    /// <summary>The call has no result: an error of the builtin itself.</summary>
    public RegoValue? Fail(string message)
    {
        Context.BuiltinFailed("eval_builtin_error", $"{builtin.Name}: {message}", place);
        return null;
    }

    /// <summary>The call has no result: an operand is of a wrong type.</summary>
    public RegoValue? WrongType(string message)
    {
        Context.BuiltinFailed("eval_type_error", $"{builtin.Name}: {message}", place);
        return null;
    }

    public RegoValue? WrongOperand(int index, string wanted, string got) => WrongType($"operand {index + 1} must be {wanted} but got {got}");
}
