using System.Data.Common;
using System.Runtime.CompilerServices;
using Caracal.Storage.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace Caracal.Storage;

/// <summary>
/// Commands of hot paths, prepared once per connection and reused. The cache lives and dies with its connection, and a
/// pooled connection has one user at a time, so a command has too.
/// </summary>
public static class PreparedStatements
{
    private static readonly ConditionalWeakTable<DbConnection, Dictionary<string, DbCommand>> PerConnection = [];

    /// <summary>
    /// The command for <paramref name="sql"/> on this connection; <paramref name="parameters"/> names its parameters,
    /// in the order in which the caller then sets <c>command.Parameters[i].Value</c>.
    /// </summary>
    public static DbCommand Get(DbConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        if (connection is NpgsqlConnection postgres)
        {
            return Create(postgres, sql, parameters);
        }

        var commands = PerConnection.GetOrCreateValue(connection);
        if (commands.TryGetValue(sql, out var command))
        {
            return command;
        }

        command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }

        commands.Add(sql, command);
        return command;
    }

    // A pooled PostgreSQL connection is a new object at every opening, and its driver keeps prepared what is used often.
    private static NpgsqlCommand Create(NpgsqlConnection connection, string sql, ReadOnlySpan<string> parameters)
    {
        var command = new NpgsqlCommand(PositionalSql.Of(sql, parameters), connection);
        for (var i = 0; i < parameters.Length; i++)
        {
            command.Parameters.Add(new NpgsqlParameter());
        }

        return command;
    }

    /// <summary>
    /// Sets a text; null becomes SQL NULL. Its type is said either way: PostgreSQL's driver takes a statement with a null of no type
    /// for another statement, which it then neither finds prepared nor prepares.
    /// </summary>
    public static void Set(this DbCommand command, int index, string? text)
    {
        if (command.Parameters[index] is NpgsqlParameter postgres)
        {
            postgres.NpgsqlDbType = NpgsqlDbType.Text;
        }

        command.Parameters[index].Value = text is null ? DBNull.Value : text;
    }

    /// <summary>Sets one parameter; null becomes SQL NULL.</summary>
    public static void Set(this DbCommand command, int index, object? value) =>
        command.Parameters[index].Value = value ?? DBNull.Value;
}
