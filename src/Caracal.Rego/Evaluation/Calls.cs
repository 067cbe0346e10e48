using System.Runtime.CompilerServices;
using Caracal.Rego.Builtins;
using Caracal.Rego.Compilation;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>Room for the operands of a builtin without an allocation.</summary>
[InlineArray(4)]
internal struct Operands
{
    private RegoValue _first;
}

internal sealed class BuiltinExpr(Builtin builtin, Expr[] args, SourcePlace place) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        // Operators chain deeper than parentheses nest.
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var room = default(Operands);
        Span<RegoValue> values = room;
        for (var i = 0; i < args.Length; i++)
        {
            var value = args[i].EvalValue(ctx, r);
            if (value is null) return null;
            values[i] = value;
        }

        values = values[..args.Length];
        if (ctx.Layer.Mocks is { } mocks && mocks.TryGetValue(builtin, out var mock)) return Calls.Mocked(ctx, mock, values, place);
        return builtin.Invoke(ctx, values, place);
    }
}

/// <summary>
/// <c>sprintf</c> of operands listed where it is called, without making an array of them.
/// </summary>
internal sealed class SprintfExpr(BuiltinExpr general, Expr format, Expr[] items, SourcePlace place) : Expr
{
    /// <summary>How many operands there is room for; longer lists become arrays.</summary>
    public const int Most = 4;

    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        if (ctx.Layer.Mocks is not null || format.EvalValue(ctx, r) is not StringValue text) return general.Eval(ctx, r);
        var room = default(Operands);
        Span<RegoValue> operands = room;
        for (var i = 0; i < items.Length; i++)
        {
            var value = items[i].EvalValue(ctx, r);
            if (value is null) return null;
            operands[i] = value;
        }

        ctx.Place = place;
        ctx.Charge(text.Text.Length / 32);
        var result = Sprintf.Format(ctx, text.Text, operands[..items.Length]);
        ctx.ChargeValue(result);
        return result;
    }
}

internal sealed class FunctionExpr(RuleGroup function, Expr[] args, SourcePlace place) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        if (ctx.Layer.Mocks is { } mocks && mocks.TryGetValue(function, out var mock))
        {
            var values = new RegoValue[args.Length];
            for (var i = 0; i < values.Length; i++)
            {
                if (args[i].EvalValue(ctx, r) is not { } value) return null;
                values[i] = value;
            }

            return Calls.Mocked(ctx, mock, values, place);
        }

        var window = ctx.Reserve(function.Registers, out var mark);
        for (var i = 0; i < args.Length; i++)
        {
            var value = args[i].EvalValue(ctx, r);
            if (value is null)
            {
                ctx.Release(mark);
                return null;
            }

            window[i + 1] = value;
        }

        ctx.Place = place;
        ctx.Enter();
        var result = RuleRun.Function(ctx, function, window);
        ctx.Leave();
        ctx.Release(mark);
        return result;
    }
}

/// <summary>
/// A call whose arguments are constants, of a function that depends on nothing else: it is made once for a policy.
/// </summary>
internal sealed class ConstantCallExpr(RuleGroup function, FunctionExpr call, int slot) : Expr
{
    public override RegoValue? Eval(EvalContext ctx, Span<RegoValue?> r)
    {
        if (!function.IsPure || !ctx.UsesConstants || ctx.Layer.Mocks is not null) return call.Eval(ctx, r);
        return ctx.Constant(ref ctx.Policy.Calls[slot], call, r);
    }
}

internal static class Calls
{
    /// <summary>Calls what stands in for a function. While it runs nothing is replaced, so it may call the original.</summary>
    public static RegoValue? Mocked(EvalContext ctx, Mock mock, ReadOnlySpan<RegoValue> args, SourcePlace place)
    {
        if (mock.Value is not null) return mock.Value;
        var before = ctx.Layer;
        ctx.Enter();
        ctx.Layer = new Layer(before, before.Input, before.Data, null, ctx.NewCache());
        var result = mock.Builtin is { } builtin ? builtin.Invoke(ctx, args, place) : Function(ctx, mock.Function!, args);
        ctx.Layer = before;
        ctx.Leave();
        return result;
    }

    private static RegoValue? Function(EvalContext ctx, RuleGroup function, ReadOnlySpan<RegoValue> args)
    {
        var window = ctx.Reserve(function.Registers, out var mark);
        for (var i = 0; i < args.Length; i++) window[i + 1] = args[i];
        var result = RuleRun.Function(ctx, function, window);
        ctx.Release(mark);
        return result;
    }
}
