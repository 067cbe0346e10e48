using Caracal.Rego.Compilation;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Values;

namespace Caracal.Rego;

/// <summary>A query ready to run: immutable, thread-safe.</summary>
public sealed class PreparedQuery
{
    private static readonly EvalOptions s_defaults = new();

    private readonly PolicyState _state;
    private readonly QueryPlan _query;

    internal PreparedQuery(PolicyState state, QueryPlan query)
    {
        _state = state;
        _query = query;
    }

    /// <summary>Runs the query; a null input is an undefined input.</summary>
    public EvalResult Evaluate(RegoValue? input, EvalOptions? options = null) =>
        Evaluate(input, options, options?.Explain == true ? new Explanation() : null, options?.CancellationToken ?? CancellationToken.None);

    /// <summary>Runs the query with the token given here instead of that of the options, and tells the explanation which rules it tried.</summary>
    public EvalResult Evaluate(RegoValue? input, EvalOptions? options, Explanation? explanation, CancellationToken cancellationToken)
    {
        explanation?.Clear();
        var ctx = ContextPool.Rent();
        try
        {
            ctx.Start(_state, input, options ?? s_defaults, !_query.Replaces, explanation, cancellationToken);
            var window = ctx.Reserve(_query.Registers, out _);
            _query.Plan.Run(ctx, window, 0);
            return Result(ctx);
        }
        catch (EvalException e)
        {
            return Failed(ctx, new RegoError(e.Code, e.Message, e.Place.File, e.Place.Line, e.Place.Column));
        }
        catch (ValueTooDeepException e)
        {
            return Failed(ctx, new RegoError("eval_limit_error", e.Message, ctx.Place.File, ctx.Place.Line, ctx.Place.Column));
        }
        catch (InsufficientExecutionStackException)
        {
            return Failed(ctx, new RegoError("eval_limit_error", "call depth exceeded", ctx.Place.File, ctx.Place.Line, ctx.Place.Column));
        }
        finally
        {
            ctx.Finish();
            ContextPool.Return(ctx);
        }
    }

    private static EvalResult Failed(EvalContext ctx, RegoError error) => new(null, [], false, error)
    {
        Steps = ctx.Steps,
        Explanation = ctx.Asked,
        SuppressedErrors = ctx.Suppressed,
        FirstSuppressedError = ctx.FirstSuppressed,
    };

    private EvalResult Result(EvalContext ctx)
    {
        if (_query.Names.Count == 1 && _query.IsValue)
        {
            return new EvalResult(ctx.Result, [], ctx.Result is not null, null)
            {
                Steps = ctx.Steps,
                Explanation = ctx.Asked,
                SuppressedErrors = ctx.Suppressed,
                FirstSuppressedError = ctx.FirstSuppressed,
            };
        }

        var solutions = ctx.Solutions;
        var value = _query.IsValue && solutions.Count > 0 ? solutions[0][0] : null;
        var names = _query.Names;
        var first = _query.IsValue ? 1 : 0;
        IReadOnlyList<IReadOnlyDictionary<string, RegoValue>> bindings = [];
        if (solutions.Count > 0 && names.Count > first)
        {
            var list = new List<IReadOnlyDictionary<string, RegoValue>>(solutions.Count);
            foreach (var solution in solutions)
            {
                var binding = new Dictionary<string, RegoValue>(StringComparer.Ordinal);
                for (var i = first; i < names.Count; i++) binding[names[i]] = solution[i]!;
                list.Add(binding);
            }

            bindings = list;
        }
        else if (solutions.Count > 0 && !_query.IsValue)
        {
            bindings = [new Dictionary<string, RegoValue>(StringComparer.Ordinal)];
        }

        return new EvalResult(value, bindings, solutions.Count > 0, null)
        {
            Steps = ctx.Steps,
            Explanation = ctx.Asked,
            SuppressedErrors = ctx.Suppressed,
            FirstSuppressedError = ctx.FirstSuppressed,
        };
    }
}
