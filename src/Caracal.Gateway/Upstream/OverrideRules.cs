using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Upstream;

/// <summary>
/// What asks an upstream to treat a request as another one. Where operations are enforced, method and path are what the
/// STS has authorised, so a request that names others is not forwarded (docs/decisions/0007).
/// </summary>
internal static class OverrideRules
{
    private static readonly string[] Methods = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
    private static readonly string[] Targets = ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI"];

    /// <summary>True when a header, or the query of a POST, names a method or a path that was not authorised.</summary>
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

        return HttpMethods.IsPost(method) && query.Contains("_method", StringComparison.OrdinalIgnoreCase) && NamesMethod(query);
    }

    private static bool NamesMethod(string query)
    {
        foreach (var range in query.AsSpan().Split('&'))
        {
            var pair = query.AsSpan(range);
            var equals = pair.IndexOf('=');
            var key = equals < 0 ? pair : pair[..equals];
            if (key.Equals("_method", StringComparison.OrdinalIgnoreCase)
                && !(equals >= 0 && pair[(equals + 1)..].Equals("POST", StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Is(string name, string[] names) => Array.Exists(names, known => known.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static bool Differs(StringValues values, string authorised, StringComparison comparison) =>
        values.Count != 1 || !string.Equals(values[0]?.Trim(), authorised, comparison);
}
