using System.Data.Common;
using Dapper;

namespace Caracal.Storage;

/// <summary>
/// Several queries with the same parameters, answered in their order. A server gets all of them in one message; the embedded
/// store, which is in this process, has each of them prepared and gets one after the other.
/// </summary>
internal sealed class QueriesTogether : IAsyncDisposable
{
    private readonly DbConnection _connection;
    private readonly IReadOnlyList<string> _queries;
    private readonly object _parameters;
    private readonly SqlMapper.GridReader? _answers;
    private int _next;

    private QueriesTogether(DbConnection connection, IReadOnlyList<string> queries, object parameters, SqlMapper.GridReader? answers) =>
        (_connection, _queries, _parameters, _answers) = (connection, queries, parameters, answers);

    public static async Task<QueriesTogether> AskAsync(DbConnection connection, ISqlDialect dialect, IReadOnlyList<string> queries, object parameters) =>
        new(connection, queries, parameters, dialect.HasOneWriter ? null : await connection.QueryMultipleAsync(string.Join(";\n", queries), parameters));

    /// <summary>The rows of the next query.</summary>
    public async Task<IReadOnlyList<T>> NextAsync<T>()
    {
        var query = _queries[_next++];
        return (_answers is null ? await _connection.QueryAsync<T>(query, _parameters) : await _answers.ReadAsync<T>()).AsList();
    }

    public ValueTask DisposeAsync() => _answers?.DisposeAsync() ?? ValueTask.CompletedTask;
}
