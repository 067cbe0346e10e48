using System.Net;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>A <c>postgres://user:password@host:port/database?sslmode=…</c> address, taken apart. Prints without its password.</summary>
public sealed record PostgresAddress
{
    private static readonly Dictionary<string, SslMode> Modes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    private readonly string? _password;

    private PostgresAddress(string host, int port, string database, string user, string? password)
    {
        Host = host;
        Port = port;
        Database = database;
        User = user;
        _password = password;
    }

    /// <summary>A host name, an address, or a socket folder.</summary>
    public string Host { get; private init; }

    public int Port { get; }

    public string Database { get; private init; }

    public string User { get; }

    private SslMode? Mode { get; init; }

    private string? RootCertificate { get; init; }

    /// <summary>A name without a dot, a loopback address or a socket: traffic that does not leave the host or its private network.</summary>
    public bool IsNear => Host.StartsWith('/') || !Host.Contains('.', StringComparison.Ordinal) && !Host.Contains(':', StringComparison.Ordinal)
        || (IPAddress.TryParse(Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>True when the address carries a password; without one a socket or a trusting server must let the user in.</summary>
    public bool HasPassword => _password is { Length: > 0 };

    /// <summary>What a rule says of the password, which never leaves this type; null without one.</summary>
    public string? JudgePassword(Func<string, string?> rule) => HasPassword ? rule(_password!) : null;

    /// <summary>True when every connection is encrypted: <c>sslmode</c> is <c>require</c>, <c>verify-ca</c> or <c>verify-full</c>.</summary>
    public bool RequiresTls => Mode is SslMode.Require or SslMode.VerifyCA or SslMode.VerifyFull;

    /// <summary>True when the server must prove that it is the named host: <c>sslmode=verify-full</c>.</summary>
    public bool VerifiesHost => Mode == SslMode.VerifyFull;

    /// <summary>Reads an address; anything else is a <see cref="FormatException"/> that says what is wrong without repeating the text.</summary>
    public static PostgresAddress Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            throw new FormatException("must be a postgres:// URL");
        }

        var user = uri.UserInfo.Split(':', 2);
        var database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        if (user[0].Length == 0 || database.Length == 0)
        {
            throw new FormatException("must name a user and a database");
        }

        var url = new PostgresAddress(
            Uri.UnescapeDataString(uri.Host), uri.Port > 0 ? uri.Port : 5432, database,
            Uri.UnescapeDataString(user[0]), user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            url = url.With(parts[0], parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
        }

        return url.Host.Length > 0 ? url : throw new FormatException("must name a host");
    }

    /// <summary>The same server and user, another database.</summary>
    public PostgresAddress ForDatabase(string database) => this with { Database = database };

    /// <summary>This server and database as another login's URL; a secret, for the file of a service.</summary>
    public string UrlFor(string login, string password)
    {
        List<string> query = [];
        if (Mode is { } mode) query.Add("sslmode=" + Modes.First(known => known.Value == mode).Key);
        if (RootCertificate is not null) query.Add("sslrootcert=" + Uri.EscapeDataString(RootCertificate));
        if (Host.StartsWith('/')) query.Add("host=" + Uri.EscapeDataString(Host));
        var host = Host.StartsWith('/') ? "localhost" : Host;
        var path = $"postgres://{Uri.EscapeDataString(login)}:{Uri.EscapeDataString(password)}@{host}:{Port}/{Uri.EscapeDataString(Database)}";
        return query.Count == 0 ? path : $"{path}?{string.Join('&', query)}";
    }

    public override string ToString() => $"postgres://{User}@{Host}:{Port}/{Database}";

    /// <summary>What a published mode refuses (operations.md 2.4); null when the address may be used.</summary>
    public string? TransportProblem(bool published, bool plaintextAllowed) =>
        published && !IsNear && !RequiresTls && !plaintextAllowed
            ? "must carry sslmode=require, verify-ca or verify-full for this host (or set CARACAL_ALLOW_PLAINTEXT_STORES=true)"
            : null;

    internal NpgsqlConnectionStringBuilder ToBuilder() => new()
    {
        Host = Host,
        Port = Port,
        Database = Database,
        Username = User,
        Password = _password,
        SslMode = Mode ?? SslMode.Prefer,
        RootCertificate = RootCertificate,
    };

    private PostgresAddress With(string name, string value) => name switch
    {
        "sslmode" => this with { Mode = Modes.TryGetValue(value, out var mode) ? mode : throw new FormatException($"sslmode must be one of {string.Join(", ", Modes.Keys)}") },
        "sslrootcert" => this with { RootCertificate = value },
        "host" => this with { Host = value }, // a socket folder, which a URL cannot carry as its host
        // A parameter we would silently drop could be the one that was to protect the connection.
        _ => throw new FormatException($"parameter '{name}' is not supported; use sslmode, sslrootcert, host"),
    };
}
