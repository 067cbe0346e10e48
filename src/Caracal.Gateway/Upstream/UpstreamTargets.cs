using System.Collections.Concurrent;

namespace Caracal.Gateway.Upstream;

/// <summary>The upstream URLs in use, parsed once each. The STS names them, so they are few; the bound is for safety.</summary>
internal sealed class UpstreamTargets
{
    private const int Bound = 4096;

    private readonly ConcurrentDictionary<string, UpstreamTarget> _known = new(StringComparer.Ordinal);

    /// <summary>The target of <paramref name="url"/>, or null when it is not acceptable.</summary>
    public UpstreamTarget? Find(string url)
    {
        if (_known.TryGetValue(url, out var known))
        {
            return known;
        }

        if (UpstreamTarget.TryParse(url) is not { } target)
        {
            return null;
        }

        if (_known.Count >= Bound)
        {
            _known.Clear();
        }

        _known[url] = target;
        return target;
    }
}
