using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Upstream;

/// <summary>The header names that any <c>Connection</c> value declares to end at this hop.</summary>
internal readonly struct ConnectionOptions
{
    private readonly List<string>? _names;

    private ConnectionOptions(List<string>? names) => _names = names;

    public static ConnectionOptions Of(StringValues connection)
    {
        List<string>? names = null;
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var name = line.AsSpan(range).Trim();
                if (!name.IsEmpty
                    && !name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
                    && !name.Equals("close", StringComparison.OrdinalIgnoreCase))
                {
                    (names ??= []).Add(name.ToString());
                }
            }
        }

        return new ConnectionOptions(names);
    }

    public bool Names(string header)
    {
        if (_names is null)
        {
            return false;
        }

        foreach (var name in _names)
        {
            if (string.Equals(name, header, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
