using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Overrides;

/// <summary>
/// What asks an upstream to treat a request as another one. Where operations are enforced, method and path are what the
/// STS has authorised, so a request that names others is not forwarded (docs/decisions/0007).
/// </summary>
internal static class OverrideRules
{
    private static readonly string[] Methods = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"];
    private static readonly string[] Targets = ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Override-URL"];

    /// <summary>True when a header or the query names a method or a path that was not authorised.</summary>
    public static bool NamesAnother(IHeaderDictionary headers, string method, string path, string query)
    {
        foreach (var name in headers.Keys)
        {
            // As everywhere: "_" and "-" are one to CGI and its descendants.
            var plain = name.Contains('_', StringComparison.Ordinal) ? name.Replace('_', '-') : name;
            if (!plain.StartsWith("X-", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if ((Is(plain, Methods) && Differs(headers[name], method, StringComparison.OrdinalIgnoreCase))
                || (Is(plain, Targets) && Differs(headers[name], path, StringComparison.Ordinal)))
            {
                return true;
            }
        }

        return query.Length > 0 && NamesMethod(query, method);
    }

    // Of any request, not only of a POST: there are upstreams that obey the query of a GET.
    private static bool NamesMethod(string query, string method)
    {
        var bytes = query.Length <= 1024 ? stackalloc byte[1024] : new byte[query.Length];
        var scan = new FormScan(method);
        return !scan.Passes(bytes[..Encoding.ASCII.GetBytes(query, bytes)]) || !scan.EndsWell();
    }

    private static bool Is(string name, string[] names) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static bool Differs(StringValues values, string authorised, StringComparison comparison) =>
        values.Count != 1 || !string.Equals(values[0]?.Trim(), authorised, comparison);
}
