using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Caracal.Storage.Postgres;

/// <summary>The same statement with <c>$1</c> in place of <c>@name</c>: the server's own form, which the driver need not take apart on every call.</summary>
internal static partial class PositionalSql
{
    // Statements of hot paths are constants of the program, so this is as large as their number.
    private static readonly ConcurrentDictionary<string, string> Known = new(StringComparer.Ordinal);

    public static string Of(string sql, ReadOnlySpan<string> parameters) =>
        Known.TryGetValue(sql, out var text) ? text : Known.GetOrAdd(sql, Translate(sql, parameters));

    private static string Translate(string sql, ReadOnlySpan<string> parameters)
    {
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in parameters)
        {
            places[name] = "$" + (places.Count + 1).ToString(CultureInfo.InvariantCulture);
        }

        return Name().Replace(sql, match => places.TryGetValue(match.Value, out var place)
            ? place
            : throw new InvalidOperationException($"the statement names {match.Value}, which is not among its parameters"));
    }

    [GeneratedRegex("@[A-Za-z]+", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
