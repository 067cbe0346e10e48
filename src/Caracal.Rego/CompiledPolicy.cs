namespace Caracal.Rego;

/// <summary>Compiled modules over base data: immutable, shared by any number of evaluations.</summary>
public sealed class CompiledPolicy
{
    private readonly RegoValue _data;

    internal CompiledPolicy(RegoValue data) => _data = data;

    /// <summary>The same rules over other base data.</summary>
    public CompiledPolicy WithData(RegoValue data) => new(data);

    /// <summary>Prepares a query, such as <c>data.caracal.authz.result</c>.</summary>
    /// <exception cref="RegoQueryException">The query does not compile.</exception>
    public PreparedQuery Prepare(string query) => new(query, _data);
}

/// <summary>A query does not compile.</summary>
public sealed class RegoQueryException(IReadOnlyList<RegoError> errors) : Exception(string.Join("; ", errors))
{
    /// <summary>Why.</summary>
    public IReadOnlyList<RegoError> Errors { get; } = errors;
}

/// <summary>A query ready to run: immutable, thread-safe.</summary>
public sealed class PreparedQuery
{
    private readonly string _query;
    private readonly RegoValue _data;

    internal PreparedQuery(string query, RegoValue data)
    {
        _query = query;
        _data = data;
    }

    /// <summary>Runs the query; a null input is an undefined input.</summary>
    public EvalResult Evaluate(RegoValue? input, EvalOptions? options = null) =>
        new(null, [], false, new RegoError("rego_compile_error", $"evaluation is not available in this build: {_query} {_data.Kind}", "", 0, 0));
}
