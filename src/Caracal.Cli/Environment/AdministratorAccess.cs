using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;

namespace Caracal.Cli.Environment;

/// <summary>
/// How operations reach PostgreSQL as its administrator (storage.md 7, cli.md 4.1): <c>DATABASE_URL</c>, else the
/// <c>PG…</c> variables of every PostgreSQL tool. Passwords come from variables and files, never from the command line.
/// </summary>
internal sealed class AdministratorAccess
{
    private const int WeakPassword = 16;

    private readonly ProcessVariables _variables;
    private readonly SecretSource _secrets;

    public AdministratorAccess(ProcessVariables variables)
    {
        _variables = variables;
        _secrets = new SecretSource(variables.All, role: null, published: variables["CARACAL_MODE"] is not "dev");
    }

    /// <summary>The administrator's address; a missing or unusable one is a <see cref="CommandFailure"/>.</summary>
    public PostgresAddress Address()
    {
        var url = _secrets.Find("DATABASE_URL", "databaseUrl")?.Value.Reveal() ?? FromParts();
        RefuseProblems();
        if (url is null) throw new CommandFailure("DATABASE_URL is required (or PGHOST, PGUSER, PGPASSWORD): the administrator's address of PostgreSQL");
        try
        {
            var address = PostgresAddress.Parse(url);
            var published = _variables["CARACAL_MODE"] is not "dev";
            return address.TransportProblem(published, _variables["CARACAL_ALLOW_PLAINTEXT_STORES"] is "true") is { } problem
                ? throw new CommandFailure($"DATABASE_URL {problem}")
                : address;
        }
        catch (FormatException fault)
        {
            throw new CommandFailure($"DATABASE_URL {fault.Message}");
        }
    }

    /// <summary>The job's settings with the passwords that are set.</summary>
    public MigrationJobSettings JobSettings(Terminal terminal)
    {
        var settings = new MigrationJobSettings
        {
            Administrator = Address(),
            Passwords = Passwords(terminal),
            ConnectTries = Number("MIGRATION_CONNECT_RETRIES", 30, 1, 3600),
            ConnectSleep = TimeSpan.FromSeconds(Number("MIGRATION_CONNECT_SLEEP_SECONDS", 1, 0, 3600)),
        };
        return _variables["MIGRATION_ADVISORY_LOCK_KEY"] is not { } key ? settings
            : long.TryParse(key, out var number) ? settings with { LockKey = number }
            : throw new CommandFailure("MIGRATION_ADVISORY_LOCK_KEY must be a signed whole number");
    }

    /// <summary>A secret of the operator, such as a Redis password; null when it is not set.</summary>
    public SecretText? Secret(string variable, string? fileName = null)
    {
        var secret = _secrets.Find(variable, fileName);
        RefuseProblems();
        return secret?.Value;
    }

    private Dictionary<ServiceRole, string> Passwords(Terminal terminal)
    {
        var passwords = new Dictionary<ServiceRole, string>();
        foreach (var role in ServiceRole.All)
        {
            if (Secret(role.PasswordVariable)?.Reveal() is not { } password) continue;
            if (password.Any(c => c is <= ' ' or > '~')) throw new CommandFailure($"{role.PasswordVariable} must be printable ASCII without spaces");
            if (password.Length < WeakPassword) terminal.Warning($"{role.PasswordVariable} is shorter than {WeakPassword} characters");
            passwords[role] = password;
        }

        return passwords;
    }

    private string? FromParts()
    {
        if (_variables["PGHOST"] is not { } host) return null;
        var password = (_secrets.Find("PGPASSWORD") ?? _secrets.Find("POSTGRES_PASSWORD"))?.Value.Reveal();
        var user = Uri.EscapeDataString(_variables["PGUSER"] ?? _variables["POSTGRES_USER"] ?? "caracal");
        var database = Uri.EscapeDataString(_variables["PGDATABASE"] ?? _variables["POSTGRES_DB"] ?? "caracal");
        var login = password is null ? user : $"{user}:{Uri.EscapeDataString(password)}";
        var mode = _variables["PGSSLMODE"] is { } ssl ? "sslmode=" + Uri.EscapeDataString(ssl) : "";
        return host.StartsWith('/')
            ? $"postgres://{login}@localhost:{_variables["PGPORT"] ?? "5432"}/{database}?host={Uri.EscapeDataString(host)}"
            : $"postgres://{login}@{host}:{_variables["PGPORT"] ?? "5432"}/{database}?{mode}";
    }

    private int Number(string name, int fallback, int minimum, int maximum) =>
        _variables[name] is not { } text ? fallback
        : int.TryParse(text, out var number) && number >= minimum && number <= maximum ? number
        : throw new CommandFailure($"{name} must be a whole number from {minimum} to {maximum}");

    private void RefuseProblems()
    {
        if (_secrets.Problems.Count > 0) throw new CommandFailure(string.Join("; ", _secrets.Problems));
    }
}
