using System.Data.Common;
using System.Text;
using Dapper;

namespace Caracal.Storage.Lists;

/// <summary>The conditions of one list. Only fixed texts become SQL; values travel as parameters.</summary>
public sealed class Filter
{
    private readonly StringBuilder _conditions = new("1 = 1");
    private readonly DynamicParameters _parameters = new();

    /// <summary>Adds a condition that names the parameter <paramref name="parameter"/>.</summary>
    public Filter And(string condition, string parameter, object? value)
    {
        _conditions.Append(" AND ").Append(condition);
        _parameters.Add(parameter, value);
        return this;
    }

    /// <summary>Adds a condition without parameter.</summary>
    public Filter And(string condition)
    {
        _conditions.Append(" AND ").Append(condition);
        return this;
    }

    /// <summary>Gives a value to a parameter that a condition already names.</summary>
    public Filter With(string parameter, object? value)
    {
        _parameters.Add(parameter, value);
        return this;
    }

    /// <summary>Adds <c>column = value</c> when there is a value.</summary>
    public Filter AndEqual(string column, string parameter, object? value) =>
        value is null ? this : And($"{column} = @{parameter}", parameter, value);

    /// <summary>One page, newest first by (<paramref name="time"/>, <paramref name="id"/>).</summary>
    internal async Task<IReadOnlyList<T>> PageAsync<T>(
        DbConnection connection, string select, PageQuery page, string time = "created_at", string id = "id")
    {
        _parameters.Add("afterTime", page.After.Time);
        _parameters.Add("afterId", page.After.Id);
        _parameters.Add("limit", page.Limit);
        var rows = await connection.QueryAsync<T>(
            $"{select} WHERE {_conditions} AND ({time}, {id}) < (@afterTime, @afterId) ORDER BY {time} DESC, {id} DESC LIMIT @limit",
            _parameters);
        return rows.AsList();
    }
}
