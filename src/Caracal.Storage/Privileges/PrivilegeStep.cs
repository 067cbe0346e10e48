using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Privileges;

/// <summary>
/// Makes the database agree with <see cref="PrivilegeMatrix"/>, in the migration job's transaction: ownership, row-level
/// security, published views, grants. Runs after every migration and repairs what drifted.
/// </summary>
internal static class PrivilegeStep
{
    private const string ZonePolicy = "zone_isolation";

    private static readonly string Groups = string.Join(", ", ServiceRole.All.Select(role => role.Group));
    private static readonly string Everyone =
        $"PUBLIC, {string.Join(", ", ServiceRole.All.SelectMany(role => new[] { role.Group, role.FirstLogin, role.SecondLogin }))}";

    public static async Task ApplyAsync(DbConnection connection)
    {
        await RoleCreation.EnsureAsync(connection);
        await RefuseUndeclaredAsync(connection);
        await CloseDatabaseAsync(connection);
        await TakeOwnershipAsync(connection);
        await IsolateZonesAsync(connection);
        await PublishViewsAsync(connection);
        await GrantAsync(connection);
    }

    // A table nobody declared would be one nobody may use; better to say so than to find out in production.
    private static async Task RefuseUndeclaredAsync(DbConnection connection)
    {
        var present = await connection.QueryAsync<string>(
            """
            SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition AND c.relname <> 'schema_migrations' ORDER BY 1
            """);
        var declared = PrivilegeMatrix.Tables.Select(table => table.Table).ToHashSet(StringComparer.Ordinal);
        var differing = present.Except(declared).Select(name => $"{name} has no line in the privilege matrix")
            .Concat(declared.Except(present).Select(name => $"{name} is in the privilege matrix and not in the database")).ToList();
        if (differing.Count > 0)
        {
            throw new InvalidOperationException(string.Join("; ", differing));
        }
    }

    private static async Task CloseDatabaseAsync(DbConnection connection)
    {
        var database = await connection.ExecuteScalarAsync<string>("SELECT quote_ident(current_database())");
        await connection.ExecuteAsync(
            $"""
             REVOKE ALL ON DATABASE {database} FROM {Everyone};
             GRANT CONNECT ON DATABASE {database} TO {Groups};
             GRANT CREATE ON DATABASE {database} TO {ServiceRole.Owner};
             REVOKE ALL ON SCHEMA public FROM {Everyone};
             GRANT USAGE ON SCHEMA public TO {Groups};
             GRANT USAGE, CREATE ON SCHEMA public TO {ServiceRole.Owner};
             ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC
             """);
        foreach (var role in ServiceRole.All)
        {
            await connection.ExecuteAsync(
                $"""
                 CREATE SCHEMA IF NOT EXISTS {role.ReadSchema} AUTHORIZATION {ServiceRole.Owner};
                 REVOKE ALL ON SCHEMA {role.ReadSchema} FROM {Everyone};
                 GRANT USAGE ON SCHEMA {role.ReadSchema} TO {role.Group};
                 ALTER ROLE {role.FirstLogin} IN DATABASE {database} SET search_path = {role.ReadSchema}, public;
                 ALTER ROLE {role.SecondLogin} IN DATABASE {database} SET search_path = {role.ReadSchema}, public
                 """);
        }
    }

    // Migrations run as the administrator; what they made passes to a role that cannot log in and that policies bind.
    private static async Task TakeOwnershipAsync(DbConnection connection)
    {
        var statements = await connection.QueryAsync<string>(
            """
            SELECT format('ALTER TABLE public.%I OWNER TO @owner', c.relname) FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
            UNION ALL
            SELECT format('ALTER FUNCTION %s OWNER TO @owner', p.oid::regprocedure) FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
            """.Replace("@owner", ServiceRole.Owner, StringComparison.Ordinal));
        foreach (var statement in statements)
        {
            await connection.ExecuteAsync(statement);
        }
    }

    // Partitions too: a query reaches them through the ledger, but nobody shall find a way around it.
    private static async Task IsolateZonesAsync(DbConnection connection)
    {
        var open = await connection.QueryAsync<(string Name, bool Forced, bool HasPolicy)>(
            $"""
             SELECT quote_ident(c.relname), c.relrowsecurity AND c.relforcerowsecurity,
                    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{ZonePolicy}')
             FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
               AND (c.relname = 'zones' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'zone_id' AND NOT a.attisdropped))
             """);
        foreach (var (table, forced, hasPolicy) in open)
        {
            if (!forced)
            {
                await connection.ExecuteAsync($"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY; ALTER TABLE public.{table} FORCE ROW LEVEL SECURITY");
            }

            if (!hasPolicy)
            {
                // Without the setting both comparisons are NULL, and NULL shows nothing.
                var zone = table == "zones" ? "id" : "zone_id";
                var visible = $"current_setting('caracal.zone_id', true) = '*' OR {zone} = current_setting('caracal.zone_id', true)";
                await connection.ExecuteAsync($"CREATE POLICY {ZonePolicy} ON public.{table} USING ({visible}) WITH CHECK ({visible})");
            }
        }
    }

    private static async Task PublishViewsAsync(DbConnection connection)
    {
        var present = (await connection.QueryAsync<(string View, string Definition)>(
            """
            SELECT n.nspname || '.' || c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (@schemas) AND c.relkind = 'v'
            """,
            new { schemas = ServiceRole.All.Select(role => role.ReadSchema).ToList() }))
            .ToDictionary(row => row.View, row => row.Definition, StringComparer.Ordinal);
        var wanted = PrivilegeMatrix.Tables
            .SelectMany(table => table.Views.Select(view => (Name: $"{view.Reader.ReadSchema}.{table.Table}", table.Table, View: view)))
            .ToList();
        foreach (var extra in present.Keys.Except(wanted.Select(view => view.Name)))
        {
            await connection.ExecuteAsync($"DROP VIEW {extra}");
        }

        foreach (var (name, table, view) in wanted)
        {
            // The comment keeps the definition, so that an unchanged view is left alone under its readers.
            var columns = string.Join(", ", view.Columns);
            if (present.TryGetValue(name, out var definition) && definition == columns)
            {
                continue;
            }

            await connection.ExecuteAsync(
                $"""
                 DROP VIEW IF EXISTS {name};
                 CREATE VIEW {name} AS SELECT {columns} FROM public.{table};
                 ALTER VIEW {name} OWNER TO {ServiceRole.Owner};
                 COMMENT ON VIEW {name} IS '{columns}'
                 """);
        }
    }

    private static async Task GrantAsync(DbConnection connection)
    {
        await connection.ExecuteAsync(
            $"""
             REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {Everyone};
             REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {Everyone};
             REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {Everyone};
             GRANT SELECT (version, phase) ON schema_migrations TO {Groups}
             """);
        foreach (var table in PrivilegeMatrix.Tables)
        {
            await connection.ExecuteAsync($"GRANT {Verbs(table.Rights)} ON public.{table.Table} TO {table.Owner.Group}");
            foreach (var view in table.Views)
            {
                var name = $"{view.Reader.ReadSchema}.{table.Table}";
                await connection.ExecuteAsync(
                    $"REVOKE ALL ON {name} FROM {Everyone};"
                    + Grant("SELECT", view.Select) + Grant("INSERT", view.Insert) + Grant("UPDATE", view.Update));

                string Grant(string verb, IReadOnlyCollection<string> columns) =>
                    columns.Count == 0 ? "" : $"GRANT {verb} ({string.Join(", ", columns)}) ON {name} TO {view.Reader.Group};";
            }
        }

        foreach (var function in PrivilegeMatrix.Functions)
        {
            await connection.ExecuteAsync(
                $"GRANT EXECUTE ON FUNCTION public.{function.Signature} TO {string.Join(", ", function.Callers.Select(role => role.Group))}");
        }
    }

    private static string Verbs(string rights) => string.Join(", ", rights.Select(right => right switch
    {
        'S' => "SELECT",
        'I' => "INSERT",
        'U' => "UPDATE",
        'D' => "DELETE",
        _ => throw new InvalidOperationException($"'{right}' is no right"),
    }));
}
