using Caracal.Protocol;

namespace Caracal.Coordinator.Requests;

/// <summary>Matches raw paths to routes; ids are percent-decoded after the path was split, so an encoded slash stays in its id.</summary>
internal sealed class RouteTable(IReadOnlyList<Route> routes)
{
    /// <summary>The route and its undecoded-then-decoded ids; null when nothing answers there.</summary>
    public (Route Route, Dictionary<string, string> Ids)? Match(string method, string rawPath)
    {
        var segments = rawPath.Split('/');
        foreach (var route in routes)
        {
            if (route.Method == method && route.Segments.Length == segments.Length && TryRead(route, segments) is { } ids)
            {
                return (route, ids);
            }
        }

        return null;
    }

    /// <summary>True when every id has the form of a path id.</summary>
    public static bool AreWellFormed(Dictionary<string, string> ids) => ids.Values.All(id => Ids.IsPathId(id));

    private static Dictionary<string, string>? TryRead(Route route, string[] segments)
    {
        var ids = new Dictionary<string, string>(2, StringComparer.Ordinal);
        for (var i = 0; i < segments.Length; i++)
        {
            var expected = route.Segments[i];
            if (expected.StartsWith('{'))
            {
                if (segments[i].Length == 0)
                {
                    return null;
                }

                ids[expected[1..^1]] = Uri.UnescapeDataString(segments[i]);
            }
            else if (segments[i] != expected)
            {
                return null;
            }
        }

        return ids;
    }
}
