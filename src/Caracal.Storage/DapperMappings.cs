using System.Data;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;

namespace Caracal.Storage;

/// <summary>
/// How our value types travel. Dapper keeps its handlers per process, so they hold no state and look at the parameter
/// to know the engine.
/// </summary>
internal static class DapperMappings
{
    private static int _registered;

    public static void Register()
    {
        if (Interlocked.Exchange(ref _registered, 1) == 1)
        {
            return;
        }

        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset?));
        SqlMapper.AddTypeHandler(new InstantHandler());
        SqlMapper.AddTypeHandler(new StringListHandler());
        SqlMapper.AddTypeHandler(new JsonTextHandler());
    }

    private sealed class InstantHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            if (parameter is SqliteParameter)
            {
                parameter.DbType = DbType.Int64;
                parameter.Value = Instants.ToMicroseconds(value);
            }
            else
            {
                parameter.DbType = DbType.DateTime;
                parameter.Value = value.UtcDateTime;
            }
        }

        public override DateTimeOffset Parse(object value) => value switch
        {
            long microseconds => Instants.FromMicroseconds(microseconds),
            DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
            DateTimeOffset time => time,
            _ => throw new DataException($"a time came back as {value.GetType().Name}"),
        };
    }

    private sealed class StringListHandler : SqlMapper.TypeHandler<string[]>
    {
        public override void SetValue(IDbDataParameter parameter, string[]? value) =>
            parameter.Value = value is null ? DBNull.Value
                : parameter is SqliteParameter ? JsonSerializer.Serialize(value, StringListContext.Default.StringArray)
                : value;

        public override string[] Parse(object value) => value switch
        {
            string json => JsonSerializer.Deserialize(json, StringListContext.Default.StringArray) ?? [],
            string[] list => list,
            _ => throw new DataException($"a list came back as {value.GetType().Name}"),
        };
    }

    private sealed class JsonTextHandler : SqlMapper.TypeHandler<JsonText>
    {
        public override void SetValue(IDbDataParameter parameter, JsonText value)
        {
            parameter.Value = value.Value;
            if (parameter is NpgsqlParameter postgres)
            {
                postgres.NpgsqlDbType = NpgsqlDbType.Jsonb;
            }
        }

        public override JsonText Parse(object value) => new((string)value);
    }
}
