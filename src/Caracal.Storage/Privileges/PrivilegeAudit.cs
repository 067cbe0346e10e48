using System.Data.Common;
using Dapper;

namespace Caracal.Storage.Privileges;

/// <summary>What a login of a service is beyond what it should be.</summary>
/// <param name="Login">The user that is logged in.</param>
/// <param name="Problems">One sentence each; empty when it is a service's own login and nothing more.</param>
public sealed record LoginReport(string Login, IReadOnlyList<string> Problems);

/// <summary>Compares the rights that a database really gives with <see cref="PrivilegeMatrix"/>; any login may ask.</summary>
public static class PrivilegeAudit
{
    /// <summary>Looks at whoever this connection belongs to, as a service's login.</summary>
    public static async Task<LoginReport> LoginAsync(DbConnection connection, ServiceRole role)
    {
        var (login, super, bypass, makes, owner) = await connection.QuerySingleAsync<(string, bool, bool, bool, bool)>(
            $"""
             SELECT current_user::text, r.rolsuper, r.rolbypassrls, r.rolcreatedb OR r.rolcreaterole OR r.rolreplication,
                    EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = r.oid)
                        OR EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = '{ServiceRole.Owner}' AND pg_has_role(r.oid, o.oid, 'USAGE'))
             FROM pg_roles r WHERE r.rolname = current_user
             """);
        var problems = new List<string>();
        if (super) problems.Add("superuser");
        if (bypass) problems.Add("BYPASSRLS");
        if (makes) problems.Add("may create databases or roles, or replicate");
        if (owner) problems.Add("owns tables");
        foreach (var other in super ? [] : ServiceRole.All.Where(other => other != role))
        {
            if (await connection.ExecuteScalarAsync<bool>(
                "SELECT EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = @Group AND pg_has_role(current_user, o.oid, 'USAGE'))", new { other.Group }))
            {
                problems.Add($"has the rights of {other.Group}");
            }
        }

        return new LoginReport(login, problems);
    }

    /// <summary>Every right that a service's logins have and the matrix does not give them, for example <c>DELETE of public.audit_events</c>.</summary>
    public static async Task<IReadOnlyList<string>> ExcessAsync(DbConnection connection, ServiceRole role)
    {
        var allowed = Declared(role).ToHashSet(StringComparer.Ordinal);
        var effective = await connection.QueryAsync<(string Verb, string Relation, string? Column)>(
            """
            SELECT v.verb, n.nspname || '.' || c.relname, a.attname::text
            FROM pg_roles l, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) v (verb)
            WHERE l.rolname = ANY (@logins) AND c.relkind IN ('r', 'p', 'v', 'm') AND (n.nspname = 'public' OR n.nspname = ANY (@schemas))
              AND has_column_privilege(l.oid, c.oid, a.attnum, v.verb)
            UNION
            SELECT v.verb, n.nspname || '.' || c.relname, NULL
            FROM pg_roles l, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, (VALUES ('DELETE'), ('TRUNCATE')) v (verb)
            WHERE l.rolname = ANY (@logins) AND c.relkind IN ('r', 'p', 'v', 'm') AND (n.nspname = 'public' OR n.nspname = ANY (@schemas))
              AND has_table_privilege(l.oid, c.oid, v.verb)
            """,
            new { logins = (string[])[role.Group, role.FirstLogin, role.SecondLogin], schemas = ServiceRole.All.Select(other => other.ReadSchema).ToList() });
        return [.. effective
            .Where(right => !allowed.Contains($"{right.Verb} {right.Relation} {right.Column}") && !allowed.Contains($"{right.Verb} {right.Relation} *"))
            .Select(right => $"{role} may {right.Verb} {right.Relation}").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Tables of zones that row-level security does not guard.</summary>
    public static async Task<IReadOnlyList<string>> UnguardedAsync(DbConnection connection) => [.. await connection.QueryAsync<string>(
        """
        SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
          AND (c.relname = 'zones' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'zone_id' AND NOT a.attisdropped))
        ORDER BY 1
        """)];

    private static IEnumerable<string> Declared(ServiceRole role)
    {
        yield return "SELECT public.schema_migrations *";
        foreach (var table in PrivilegeMatrix.Tables)
        {
            foreach (var letter in table.Owner == role ? table.Rights : "") yield return $"{Verb(letter)} public.{table.Table} {(letter == 'D' ? "" : "*")}";
            foreach (var view in table.Views.Where(view => view.Reader == role))
            {
                foreach (var (verb, columns) in ((string, IReadOnlyList<string>)[])
                    [("SELECT", view.Select), ("INSERT", view.Insert), ("UPDATE", view.Update)])
                {
                    foreach (var column in columns) yield return $"{verb} {role.ReadSchema}.{table.Table} {column}";
                }
            }
        }
    }

    private static string Verb(char letter) => letter switch
    {
        'S' => "SELECT",
        'I' => "INSERT",
        'U' => "UPDATE",
        _ => "DELETE",
    };
}
