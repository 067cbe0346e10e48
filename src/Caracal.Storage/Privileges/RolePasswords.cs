using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Privileges;

/// <summary>Gives the login of a service its password (operations.md 7.1).</summary>
internal static class RolePasswords
{
    /// <summary>
    /// Sets the password of the login in use: the first, or the second where a rotation has switched to it. While both may
    /// log in a rotation is under way, and both keep what they have.
    /// </summary>
    /// <returns>The login's name; null when nothing was set.</returns>
    public static async Task<string?> SetAsync(DbConnection connection, ServiceRole role, string password)
    {
        var open = (await connection.QueryAsync<string>(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname = ANY (@names)",
            new { names = new List<string> { role.FirstLogin, role.SecondLogin } })).AsList();
        if (open.Count > 1) return null;
        var login = open is [var only] && only == role.SecondLogin ? role.SecondLogin : role.FirstLogin;
        await connection.ExecuteAsync($"ALTER ROLE {login} LOGIN PASSWORD '{ScramVerifier.Of(password)}'");
        return login;
    }
}
