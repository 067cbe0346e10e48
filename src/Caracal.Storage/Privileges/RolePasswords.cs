using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Privileges;

/// <summary>Gives the login of a service its password (operations.md 7.1).</summary>
internal static class RolePasswords
{
    /// <summary>Sets the password of the login in use: the first, until a rotation has switched to the second alone.</summary>
    /// <returns>The login's name.</returns>
    public static async Task<string> SetAsync(DbConnection connection, ServiceRole role, string password)
    {
        var open = (await connection.QueryAsync<string>(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname = ANY (@names)",
            new { names = new List<string> { role.FirstLogin, role.SecondLogin } })).AsList();
        var login = open is [var only] && only == role.SecondLogin ? role.SecondLogin : role.FirstLogin;
        await connection.ExecuteAsync($"ALTER ROLE {login} LOGIN PASSWORD '{ScramVerifier.Of(password)}'");
        return login;
    }
}
