using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Privileges;

/// <summary>
/// The roles of storage.md 2: the owner, a group per service, two logins per group. They belong to the whole server, so
/// they may be there already; one that can do more than it should stops the job.
/// </summary>
internal static class RoleCreation
{
    /// <summary>The console's role: it owns a database of its own and has no rights in this one.</summary>
    private const string Console = "caracalauth";

    public static async Task EnsureAsync(DbConnection connection)
    {
        await CreateAsync(connection, ServiceRole.Owner);
        await CreateAsync(connection, Console);
        foreach (var role in ServiceRole.All)
        {
            await CreateAsync(connection, role.Group);
            await JoinAsync(connection, role.FirstLogin, role.Group);
            await JoinAsync(connection, role.SecondLogin, role.Group);
        }

        await JoinAsync(connection, Console + "_a", Console);
        await JoinAsync(connection, Console + "_b", Console);
        await RefusePowerfulAsync(connection);
        if (!await connection.ExecuteScalarAsync<bool>("SELECT pg_has_role(current_user, @Owner, 'MEMBER')", new { ServiceRole.Owner }))
        {
            await connection.ExecuteAsync($"GRANT {ServiceRole.Owner} TO CURRENT_USER");
        }
    }

    /// <summary>Login names of every service, whether they can log in yet or not.</summary>
    private static string[] Logins { get; } = [.. ServiceRole.All.SelectMany(role => new[] { role.FirstLogin, role.SecondLogin })];

    private static async Task JoinAsync(DbConnection connection, string login, string group)
    {
        await CreateAsync(connection, login);
        var isMember = await connection.ExecuteScalarAsync<bool>(
            """
            SELECT EXISTS (SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
                           WHERE g.rolname = @group AND l.rolname = @login)
            """,
            new { group, login });
        if (!isMember)
        {
            await connection.ExecuteAsync($"GRANT {group} TO {login}");
        }
    }

    // Two databases of one server may be provisioned at the same time: whoever comes second finds the role.
    private static Task CreateAsync(DbConnection connection, string role) => connection.ExecuteAsync(
        $"""
         DO $$ BEGIN
             IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
                 CREATE ROLE {role} NOLOGIN NOCREATEDB NOCREATEROLE;
             END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $$
         """);

    private static async Task RefusePowerfulAsync(DbConnection connection)
    {
        string[] names = [ServiceRole.Owner, .. ServiceRole.All.Select(role => role.Group), .. Logins];
        var powerful = (await connection.QueryAsync<string>(
            """
            SELECT rolname FROM pg_roles
            WHERE rolname = ANY (@names) AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
            ORDER BY 1
            """,
            new { names = names.ToList() })).AsList();
        var strangers = (await connection.QueryAsync<string>(
            """
            SELECT l.rolname || ' is a member of ' || g.rolname FROM pg_auth_members m
            JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
            WHERE l.rolname = ANY (@names) AND l.rolname NOT IN (g.rolname || '_a', g.rolname || '_b')
            ORDER BY 1
            """,
            new { names = names.ToList() })).AsList();
        if (powerful.Count > 0 || strangers.Count > 0)
        {
            throw new InvalidOperationException(
                "roles of services may do more than the matrix allows: "
                + string.Join("; ", powerful.Select(name => $"{name} is superuser, bypasses row-level security, or creates roles or databases").Concat(strangers)));
        }
    }
}
