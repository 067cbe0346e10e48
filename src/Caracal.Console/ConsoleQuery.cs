using Microsoft.AspNetCore.Http;

namespace Caracal.Console;

/// <summary>Passes what an operator asked for on to the API, escaped; the API judges it.</summary>
internal static class ConsoleQuery
{
    /// <summary>The cursor alone, with its question mark; empty when there is none.</summary>
    public static string Cursor(HttpContext context) => Of(context, "cursor");

    /// <summary>The named parameters that are set, with a question mark; empty when none is.</summary>
    public static string Of(HttpContext context, params ReadOnlySpan<string> names)
    {
        var query = "";
        foreach (var name in names)
        {
            var value = context.Request.Query[name].ToString();
            if (value.Length > 0) query += $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
        }

        return query;
    }
}
