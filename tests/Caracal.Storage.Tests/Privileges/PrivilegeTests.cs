using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Tests.Privileges;

/// <summary>Every right of every service on every table, view, column and function, compared with the matrix and tried (storage.md 2).</summary>
[Collection(nameof(AloneOnTheServer))]
public sealed class PrivilegeTests
{
    private static readonly (char Letter, string Verb)[] Verbs = [('S', "SELECT"), ('I', "INSERT"), ('U', "UPDATE"), ('D', "DELETE")];

    // A generated column can be written by nobody; the server says so before it looks at rights.
    private const string GeneratedAlways = "428C9";

    public static TheoryData<string> Services => [.. ServiceRole.All.Select(role => role.Name)];

    [Theory]
    [Trait("requirement", "R39")]
    [Trait("requirement", "R107")]
    [MemberData(nameof(Services))]
    public async Task Holds_exactly_the_rights_of_its_row_of_the_matrix(string service)
    {
        var role = ServiceRole.Of(service);
        await using var owner = await OwnerAsync();
        var effective = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var relation in await RelationsAsync(owner))
        {
            foreach (var verb in (string[])["SELECT", "INSERT", "UPDATE", "REFERENCES"])
            {
                effective.UnionWith(await owner.QueryAsync<string>(
                    """
                    SELECT @verb || ' ' || a.attname || ' of ' || @Name FROM pg_attribute a
                    WHERE a.attrelid = @Id AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(@login, a.attrelid, a.attnum, @verb)
                    """,
                    new { verb, relation.Name, relation.Id, login = role.FirstLogin }));
            }

            foreach (var verb in (string[])["DELETE", "TRUNCATE", "TRIGGER"])
            {
                if (await owner.ExecuteScalarAsync<bool>("SELECT has_table_privilege(@login, @Id, @verb)", new { login = role.FirstLogin, relation.Id, verb }))
                {
                    effective.Add($"{verb} of {relation.Name}");
                }
            }
        }

        Assert.Equal(string.Join('\n', await DeclaredAsync(owner, role)), string.Join('\n', effective));
    }

    [Theory]
    [Trait("requirement", "R41")]
    [MemberData(nameof(Services))]
    public async Task Is_refused_what_it_tries_outside_the_matrix_and_nothing_inside(string service)
    {
        var role = ServiceRole.Of(service);
        await using var owner = await OwnerAsync();
        var declared = await DeclaredAsync(owner, role);
        await using var login = await LoginAsync(owner.Database!, role);
        var surprises = new List<string>();
        foreach (var relation in await RelationsAsync(owner))
        {
            foreach (var (right, sql) in await AttemptsAsync(owner, relation))
            {
                if (await IsRefusedAsync(login, sql) == declared.Contains(right))
                {
                    surprises.Add($"{right}: {(declared.Contains(right) ? "refused" : "allowed")}");
                }
            }
        }

        Assert.Equal("", string.Join('\n', surprises));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Makes_nothing_calls_nothing_and_becomes_nobody_else(string service)
    {
        var role = ServiceRole.Of(service);
        await using var owner = await OwnerAsync();
        var functions = await owner.QueryAsync<(string Name, bool May)>(
            """
            SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', has_function_privilege(@login, p.oid, 'EXECUTE')
            FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
            """,
            new { login = role.FirstLogin });
        var callable = PrivilegeMatrix.Functions.Where(function => function.Callers.Contains(role)).Select(function => function.Signature[..function.Signature.IndexOf('(')]);
        Assert.Equal(callable.Order(), functions.Where(function => function.May).Select(function => function.Name[..function.Name.IndexOf('(')]).Order());

        await using var login = await LoginAsync(owner.Database!, role);
        foreach (var sql in (string[])
        [
            "CREATE TABLE public.mine (a int)", $"CREATE VIEW {role.ReadSchema}.mine AS SELECT 1 AS a", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine (a int)",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", $"SET ROLE {ServiceRole.Owner}", "SET ROLE postgres",
            "ALTER TABLE public.audit_events DISABLE ROW LEVEL SECURITY", "SET row_security = off; SELECT count(*) FROM schema_migrations; COPY (SELECT 1) TO PROGRAM 'true'",
            "DROP TABLE public.zones", "CREATE ROLE mine",
        ])
        {
            Assert.True(await IsRefusedAsync(login, sql), sql);
        }

        foreach (var other in ServiceRole.All.Where(other => other != role))
        {
            Assert.True(await IsRefusedAsync(login, $"SET ROLE {other.Group}"), other.Group);
            Assert.False(await owner.ExecuteScalarAsync<bool>(
                "SELECT has_schema_privilege(@FirstLogin, @ReadSchema, 'USAGE')", new { role.FirstLogin, other.ReadSchema }));
        }
    }

    [Fact]
    public async Task Refuses_to_set_up_a_database_for_a_role_that_can_do_more()
    {
        var server = await PostgresServer.GetAsync();
        await using var owner = await OwnerAsync();
        await owner.ExecuteAsync("CREATE ROLE stranger NOLOGIN; GRANT stranger TO caracalgateway_b");
        try
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => TestStore.MigrateAsync(server, owner.Database!));
            Assert.Contains("caracalgateway_b is a member of stranger", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await owner.ExecuteAsync("DROP ROLE stranger");
        }

        await TestStore.MigrateAsync(server, owner.Database!);
    }

    [Fact]
    public async Task Repairs_rights_that_drifted()
    {
        var server = await PostgresServer.GetAsync();
        await using var owner = await OwnerAsync();
        await owner.ExecuteAsync(
            """
            GRANT DELETE ON audit_events TO caracalaudit; GRANT SELECT ON admin_tokens TO PUBLIC; GRANT UPDATE ON zones TO caracalsts_a;
            CREATE VIEW gateway_read.admin_tokens AS SELECT * FROM public.admin_tokens; GRANT SELECT ON gateway_read.admin_tokens TO caracalgateway;
            REVOKE SELECT ON applications FROM caracalapi; GRANT EXECUTE ON FUNCTION audit_partition_drop(text) TO PUBLIC
            """);
        await TestStore.MigrateAsync(server, owner.Database!);
        await owner.CloseAsync();
        foreach (var role in ServiceRole.All)
        {
            await using var login = await LoginAsync(owner.Database!, role);
            Assert.True(await IsRefusedAsync(login, "SELECT audit_partition_drop('x')") == (role != ServiceRole.Audit));
            Assert.True(await IsRefusedAsync(login, "DELETE FROM public.audit_events WHERE false"));
            Assert.True(await IsRefusedAsync(login, "SELECT token_hash FROM public.admin_tokens") == (role != ServiceRole.Api));
            Assert.True(await IsRefusedAsync(login, "SELECT client_secret_hash FROM public.applications") == (role != ServiceRole.Api));
            Assert.True(await IsRefusedAsync(login, "UPDATE public.zones SET name = '' WHERE false") == (role != ServiceRole.Api));
        }
    }

    // What the matrix gives: one line per column, and per table for what has no columns.
    private static async Task<IReadOnlySet<string>> DeclaredAsync(NpgsqlConnection owner, ServiceRole role)
    {
        var rights = new SortedSet<string>(StringComparer.Ordinal) { "SELECT phase of public.schema_migrations", "SELECT version of public.schema_migrations" };
        foreach (var table in PrivilegeMatrix.Tables.Where(table => table.Owner == role))
        {
            var columns = (await owner.QueryAsync<string>(
                "SELECT attname FROM pg_attribute WHERE attrelid = @name::regclass AND attnum > 0 AND NOT attisdropped",
                new { name = "public." + table.Table })).AsList();
            foreach (var (letter, verb) in Verbs.Where(verb => table.Rights.Contains(verb.Letter)))
            {
                if (letter == 'D') rights.Add($"DELETE of public.{table.Table}");
                else rights.UnionWith(columns.Select(column => $"{verb} {column} of public.{table.Table}"));
            }
        }

        foreach (var table in PrivilegeMatrix.Tables)
        {
            foreach (var view in table.Views.Where(view => view.Reader == role))
            {
                var name = $"{role.ReadSchema}.{table.Table}";
                rights.UnionWith(view.Select.Select(column => $"SELECT {column} of {name}"));
                rights.UnionWith(view.Insert.Select(column => $"INSERT {column} of {name}"));
                rights.UnionWith(view.Update.Select(column => $"UPDATE {column} of {name}"));
            }
        }

        return rights;
    }

    // One statement per right, each of which touches no row.
    private static async Task<IReadOnlyList<(string Right, string Sql)>> AttemptsAsync(NpgsqlConnection owner, Relation relation)
    {
        var columns = await owner.QueryAsync<(string Name, string Type, bool Generated)>(
            "SELECT attname, format_type(atttypid, atttypmod), attgenerated <> '' FROM pg_attribute WHERE attrelid = @Id AND attnum > 0 AND NOT attisdropped",
            new { relation.Id });
        return
        [
            .. columns.SelectMany(column => (IEnumerable<(string, string)>)
            [
                ($"SELECT {column.Name} of {relation.Name}", $"SELECT {column.Name} FROM {relation.Name} LIMIT 0"),
                .. column.Generated ? [] : Writes(relation, column.Name, column.Type),
            ]),
            ($"DELETE of {relation.Name}", $"DELETE FROM {relation.Name} WHERE false"),
            .. relation.IsView ? [] : new[] { ($"TRUNCATE of {relation.Name}", $"TRUNCATE {relation.Name}") },
        ];
    }

    private static (string Right, string Sql)[] Writes(Relation relation, string column, string type) =>
    [
        ($"INSERT {column} of {relation.Name}", $"INSERT INTO {relation.Name} ({column}) SELECT NULL::{type} WHERE false"),
        ($"UPDATE {column} of {relation.Name}", $"UPDATE {relation.Name} SET {column} = NULL WHERE false"),
    ];

    private static async Task<bool> IsRefusedAsync(NpgsqlConnection login, string sql)
    {
        await using var transaction = await login.BeginTransactionAsync();
        try
        {
            await login.ExecuteAsync(sql);
            return false;
        }
        catch (PostgresException fault) when (fault.SqlState is PostgresErrorCodes.InsufficientPrivilege or GeneratedAlways)
        {
            return true;
        }
    }

    private static async Task<IReadOnlyList<Relation>> RelationsAsync(NpgsqlConnection owner) =>
        (await owner.QueryAsync<Relation>(
            """
            SELECT n.nspname || '.' || c.relname AS name, c.oid::bigint::int AS id, c.relkind = 'v' AS is_view FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
            """)).AsList();

    // A database of its own, prepared by the job and not from a template: rights on the database itself are part of the test.
    private static async Task<NpgsqlConnection> OwnerAsync()
    {
        await (await TestStore.CreateAsync(Engine.Postgres)).DisposeAsync();
        var server = await PostgresServer.GetAsync();
        var name = await server.CreateDatabaseAsync();
        await TestStore.MigrateAsync(server, name);
        var connection = new NpgsqlConnection(server.ConnectionString(name));
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<NpgsqlConnection> LoginAsync(string database, ServiceRole role)
    {
        var server = await PostgresServer.GetAsync();
        var connection = new NpgsqlConnection(server.ConnectionString(database, role.FirstLogin));
        await connection.OpenAsync();
        return connection;
    }

    private sealed record Relation
    {
        public string Name { get; init; } = "";
        public int Id { get; init; }
        public bool IsView { get; init; }
    }
}
