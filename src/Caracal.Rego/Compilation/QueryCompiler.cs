using System.Diagnostics;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>A query's plan: the variables it names, and whether it is one expression whose value is asked for.</summary>
internal sealed record QueryPlan(Plan Plan, int Registers, IReadOnlyList<string> Names, bool IsValue, bool Replaces);

/// <summary>Compiles queries against compiled modules, by the same rules as bodies.</summary>
internal sealed class QueryCompiler(PolicyPlan policy, CompileErrors errors)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    public QueryPlan? Compile(List<Literal> literals)
    {
        var resolver = new Resolver(policy.Root, errors, policy.Denied);
        resolver.EnterQuery();
        var isValue = literals is [ExpressionLiteral { Right: null, Negated: false }];
        if (isValue)
        {
            // The value of a lone expression is asked for, also when it is false.
            var only = (ExpressionLiteral)literals[0];
            literals = [new ExpressionLiteral(new VarTerm(ValueName, only.At), only.Left, false, false, only.At) { With = only.With }];
        }

        var (body, named) = resolver.Query(literals);
        if (errors.Any) return null;
        new Safety(errors, "", CheckTime).Query(body);
        if (errors.Any) return null;
        var ordered = isValue ? named.OrderBy(v => v.Name != ValueName).ToList() : named;
        var (plan, registers) = new CodeGen(policy.Root, remembersCalls: false).Query(body, ordered, isValue, new GroupUses());
        return new QueryPlan(plan, registers, [.. ordered.Select(v => v.Name)], isValue, resolver.Replaced.Count > 0);
    }

    // Not a name the language can spell, so it cannot meet a variable of the query.
    private const string ValueName = "$value";

    private void CheckTime()
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        if (Stopwatch.GetElapsedTime(_started) > policy.Limits.CompileTime) throw new CompileTimeException();
    }
}
