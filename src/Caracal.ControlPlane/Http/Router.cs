using System.Text;
using Caracal.Authority.AdminAccess;

namespace Caracal.ControlPlane.Http;

/// <summary>One route: what it needs and who answers.</summary>
/// <param name="Method">Upper case; a GET also answers HEAD.</param>
/// <param name="Pattern">Segments; <c>{name}</c> takes a path id, <c>{name*}</c> any visible text.</param>
/// <param name="Need">For the capability matrix.</param>
/// <param name="Handler">Answers.</param>
internal sealed record Route(string Method, string Pattern, AdminNeed Need, Func<ApiCall, Task<Answer>> Handler)
{
    /// <summary>No admin token: the route checks its caller itself.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Not for HEAD: the GET uses something up.</summary>
    public bool GetOnly { get; init; }

    /// <summary>A body limit of its own in bytes, below the API's; null takes that.</summary>
    public int? BodyLimit { get; init; }

    internal string[] Segments { get; } = Pattern.Split('/');
}

/// <summary>A route and the values of its placeholders; <see cref="ParametersValid"/> false means 400 <c>invalid_params</c>.</summary>
internal sealed record RouteMatch(Route Route, IReadOnlyDictionary<string, string> Parameters, bool ParametersValid);

/// <summary>Finds routes by exact, case-sensitive segments (api.md 1); a literal wins over a placeholder.</summary>
internal sealed class Router
{
    private readonly ILookup<(string Method, int Length), Route> _routes;

    public Router(IEnumerable<Route> routes) =>
        _routes = routes
            .OrderBy(route => route.Segments.Count(segment => segment.StartsWith('{')))
            .ToLookup(route => (route.Method, route.Segments.Length));

    public RouteMatch? Find(string method, IReadOnlyList<string> segments)
    {
        foreach (var route in _routes[(method == "HEAD" ? "GET" : method, segments.Count)])
        {
            if (method == "HEAD" && route.GetOnly) continue;
            if (Match(route, segments) is { } match) return match;
        }

        return null;
    }

    /// <summary>Splits a raw path and decodes each segment; null when an escape cannot be decoded.</summary>
    public static string[]? Split(string rawPath)
    {
        var segments = rawPath.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            if (!segments[i].Contains('%', StringComparison.Ordinal)) continue;
            if (Decode(segments[i]) is not { } decoded) return null;
            segments[i] = decoded;
        }

        return segments;
    }

    private static RouteMatch? Match(Route route, IReadOnlyList<string> segments)
    {
        Dictionary<string, string>? parameters = null;
        var valid = true;
        for (var i = 0; i < segments.Count; i++)
        {
            var pattern = route.Segments[i];
            if (!pattern.StartsWith('{'))
            {
                if (pattern != segments[i]) return null;
                continue;
            }

            // A trailing slash is another path, not an empty id.
            if (segments[i].Length == 0) return null;
            var free = pattern.EndsWith("*}", StringComparison.Ordinal);
            valid &= free ? IsVisible(segments[i]) : Protocol.Ids.IsPathId(segments[i]);
            (parameters ??= new Dictionary<string, string>(StringComparer.Ordinal))[pattern.Trim('{', '}', '*')] = segments[i];
        }

        return new RouteMatch(route, parameters ?? [], valid);
    }

    private static bool IsVisible(string text) => text.Length is > 0 and <= 128 && !text.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e');

    private static string? Decode(string segment)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(segment.Length)];
        var length = 0;
        for (var i = 0; i < segment.Length; i++)
        {
            if (segment[i] != '%')
            {
                length += Encoding.UTF8.GetBytes(segment.AsSpan(i, 1), bytes.AsSpan(length));
                continue;
            }

            if (i + 2 >= segment.Length || !char.IsAsciiHexDigit(segment[i + 1]) || !char.IsAsciiHexDigit(segment[i + 2])) return null;
            bytes[length++] = Convert.FromHexString(segment.AsSpan(i + 1, 2))[0];
            i += 2;
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
