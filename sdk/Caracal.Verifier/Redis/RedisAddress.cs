using System.Globalization;

namespace Caracal.Verifier.Redis;

/// <summary>Where Redis is and who we are there. Its text shows no credential.</summary>
internal sealed class RedisAddress
{
    private readonly string? _user;
    private readonly string? _password;
    private readonly int _database;

    private RedisAddress(Uri url, int database)
    {
        Host = url.IdnHost.Trim('[', ']');
        Port = url.Port > 0 ? url.Port : 6379;
        UseTls = url.Scheme == "rediss";
        _database = database;
        var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
        _user = Uri.UnescapeDataString(colon < 0 ? url.UserInfo : url.UserInfo[..colon]);
        _password = colon < 0 ? null : Uri.UnescapeDataString(url.UserInfo[(colon + 1)..]);
    }

    public string Host { get; }

    public int Port { get; }

    public bool UseTls { get; }

    /// <summary>Throws without repeating any part of the URL.</summary>
    public static RedisAddress Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("redis" or "rediss") || parsed.Host.Length == 0
            || parsed.Query.Length > 0 || parsed.Fragment.Length > 0 || !TryDatabase(parsed.AbsolutePath, out var database))
        {
            throw new ArgumentException("must be redis[s]://[[user]:password@]host[:port][/database]", nameof(url));
        }

        return new RedisAddress(parsed, database);
    }

    /// <summary>The commands that open a connection.</summary>
    public IEnumerable<IReadOnlyList<string>> Opening()
    {
        if (!string.IsNullOrEmpty(_password))
        {
            yield return string.IsNullOrEmpty(_user) ? ["AUTH", _password] : ["AUTH", _user, _password];
        }

        if (_database != 0)
        {
            yield return ["SELECT", _database.ToString(CultureInfo.InvariantCulture)];
        }
    }

    public override string ToString() => $"{Host}:{Port}";

    private static bool TryDatabase(string path, out int database)
    {
        database = 0;
        return path is "" or "/" || int.TryParse(path.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out database);
    }
}
