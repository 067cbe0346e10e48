using Caracal.Keys.Certificates;
using Caracal.Keys.Secrets;

namespace Caracal.Streams.Redis;

/// <summary>Where Redis is, who we are there, and how long we wait (operations.md 8, gateway.md A14).</summary>
public sealed record RedisOptions
{
    public required string Host { get; init; }

    public int Port { get; init; } = 6379;

    /// <summary>True for <c>rediss://</c>.</summary>
    public bool UseTls { get; init; }

    /// <summary>The ACL user; null is the user <c>default</c>.</summary>
    public string? User { get; init; }

    /// <summary>Null sends no credentials.</summary>
    public SecretText? Password { get; init; }

    public int Database { get; init; }

    /// <summary>Shown by <c>CLIENT LIST</c>; no spaces.</summary>
    public string ClientName { get; init; } = "caracal";

    /// <summary>Authorities that may have signed the server's certificate, besides those of the system.</summary>
    public ExtraAuthorities ExtraAuthorities { get; init; } = ExtraAuthorities.None;

    /// <summary>Name lookup, TCP, TLS and login together.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From the call to the reply, time in the queue included.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The first pause after a failed dial; each further one doubles up to <see cref="LongestBackoff"/>.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Commands that may wait for their reply at once; one more is refused.</summary>
    public int MaximumInFlight { get; init; } = 16_384;

    /// <summary>Bytes that may wait to be sent; a command that finds more is refused.</summary>
    public int MaximumUnsentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Connections for blocking readers that are kept for their next read.</summary>
    public int MaximumIdleReaders { get; init; } = 20;

    /// <summary>
    /// Reads <c>redis[s]://[[user]:password@]host[:port][/database]</c>. On false <paramref name="fault"/> says what is
    /// wrong without repeating any part of the URL.
    /// </summary>
    public static bool TryParse(string url, out RedisOptions options, out string fault)
    {
        options = null!;
        fault = "";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("redis" or "rediss") || uri.Host.Length == 0)
        {
            fault = "must be redis://[user:password@]host[:port][/database] or rediss://…";
        }
        else if (uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            fault = "must not have a query or a fragment";
        }
        else if (!TryDatabase(uri.AbsolutePath, out var database))
        {
            fault = "must end with the number of a database or nothing";
        }
        else
        {
            var (user, password) = Credentials(uri.UserInfo);
            options = new RedisOptions
            {
                // The brackets of an IPv6 address belong to the URL, not to the address.
                Host = uri.IdnHost.Trim('[', ']'),
                Port = uri.Port > 0 ? uri.Port : 6379,
                UseTls = uri.Scheme == "rediss",
                User = user,
                Password = password,
                Database = database,
            };
        }

        return options is not null;
    }

    private static (string? User, SecretText? Password) Credentials(string userInfo)
    {
        var colon = userInfo.IndexOf(':', StringComparison.Ordinal);
        var user = Uri.UnescapeDataString(colon < 0 ? userInfo : userInfo[..colon]);
        var password = colon < 0 ? "" : Uri.UnescapeDataString(userInfo[(colon + 1)..]);
        return (user.Length == 0 ? null : user, password.Length == 0 ? null : new SecretText(password));
    }

    private static bool TryDatabase(string path, out int database)
    {
        database = 0;
        return path is "" or "/" || (int.TryParse(path.AsSpan(1), out database) && database >= 0);
    }
}
