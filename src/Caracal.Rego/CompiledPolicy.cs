using Caracal.Rego.Compilation;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;

namespace Caracal.Rego;

/// <summary>Compiled modules over base data: immutable, shared by any number of evaluations.</summary>
public sealed class CompiledPolicy
{
    internal CompiledPolicy(PolicyPlan plan, RegoValue data)
    {
        State = new PolicyState(plan, data);
        Freezer.Freeze(State);
    }

    internal PolicyState State { get; }

    /// <summary>The same rules over other base data.</summary>
    public CompiledPolicy WithData(RegoValue data) => new(State.Plan, data);

    /// <summary>Prepares a query, such as <c>data.caracal.authz.result</c>.</summary>
    /// <exception cref="RegoQueryException">The query does not compile.</exception>
    public PreparedQuery Prepare(string query)
    {
        var errors = new CompileErrors();
        try
        {
            var literals = Parser.ParseQuery(query);
            var compiled = new QueryCompiler(State.Plan, errors).Compile(literals);
            if (compiled is not null) return new PreparedQuery(State, compiled);
        }
        catch (SyntaxException e)
        {
            errors.Add(Phase.Parse, "rego_parse_error", e.Message, "", e.At);
        }
        catch (CompileTimeException)
        {
            errors.Add(Phase.Limits, "rego_compile_error", "compilation took too long", "", default);
        }
        catch (Values.ValueTooDeepException e)
        {
            errors.Add(Phase.Limits, "rego_compile_error", e.Message, "", default);
        }

        throw new RegoQueryException(errors.Report());
    }
}

/// <summary>A query does not compile.</summary>
public sealed class RegoQueryException(IReadOnlyList<RegoError> errors) : Exception(string.Join("; ", errors))
{
    /// <summary>Why.</summary>
    public IReadOnlyList<RegoError> Errors { get; } = errors;
}
