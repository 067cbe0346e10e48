using System.Security.Cryptography;
using Caracal.Storage.Postgres;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Privileges;

/// <summary>The two logins of a service, one in use and one at rest, as a rotation opens and closes them (operations.md 4.6.7).</summary>
/// <param name="administrator">Who may change roles.</param>
public sealed class ServiceLogins(PostgresAddress administrator)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The login of the service that an address does not use.</summary>
    public static string Other(ServiceRole role, PostgresAddress current) => current.User == role.FirstLogin ? role.SecondLogin : role.FirstLogin;

    /// <summary>A new password, 48 hexadecimal characters.</summary>
    public static string NewPassword() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    /// <summary>Lets a login in with a password, of which the server sees its verifier only.</summary>
    public Task OpenAsync(string login, string password, CancellationToken cancellationToken) =>
        RunAsync([$"ALTER ROLE {Known(login)} LOGIN PASSWORD '{ScramVerifier.Of(password)}'"], cancellationToken);

    /// <summary>Shuts a login out, takes its password away, and ends what it still has open.</summary>
    public Task CloseAsync(string login, CancellationToken cancellationToken) => RunAsync(
        [
            $"ALTER ROLE {Known(login)} NOLOGIN PASSWORD NULL",
            "SELECT pg_sleep(0.2)", // Who was just being let in is not among the sessions yet.
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(NULL) WHERE usesysid = '{Known(login)}'::regrole",
        ],
        cancellationToken);

    /// <summary>Sessions that a login has open.</summary>
    public async Task<long> SessionsAsync(string login, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(administrator, Patience);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid = (SELECT oid FROM pg_roles WHERE rolname = @login)", new { login });
    }

    /// <summary>Whether the server lets an address in; any answer but a refusal of the login is a fault.</summary>
    public static async Task<bool> AdmitsAsync(PostgresAddress address, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(address, Patience);
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            return true;
        }
        catch (PostgresException fault) when (fault.SqlState is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification)
        {
            return false;
        }
    }

    // The name becomes part of a statement, so it is one of ours and nothing else.
    private static string Known(string login) =>
        ServiceRole.All.Any(role => role.FirstLogin == login || role.SecondLogin == login) ? login : throw new ArgumentException("not a login of a service", nameof(login));

    // Each commits before the next begins.
    private async Task RunAsync(IReadOnlyList<string> statements, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(administrator, Patience);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        foreach (var sql in statements) await connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));
    }
}
