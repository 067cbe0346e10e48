using System.Collections.Immutable;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Moving;

/// <summary>A table to move.</summary>
/// <param name="Name">The same in both stores.</param>
/// <param name="Columns">Columns with PostgreSQL's type name; the source must have them all.</param>
internal sealed record MovedTable(string Name, ImmutableArray<MovedColumn> Columns);

/// <summary>A column to move.</summary>
internal readonly record struct MovedColumn(string Name, string Type);

/// <summary>What moves, in an order in which every row finds the rows it refers to.</summary>
internal static class MovePlan
{
    /// <summary>Written by triggers while other tables move, so it comes last and replaces what they wrote.</summary>
    public const string Versions = "zone_versions";

    /// <summary>Has its one row from the migration on, also in a store that nobody has used.</summary>
    public const string RotationLock = "rotation_lock";

    /// <summary>What the moved rows replace.</summary>
    public static bool IsReplaced(string table) => table is Versions or RotationLock;

    public static async Task<ImmutableArray<MovedTable>> ReadAsync(NpgsqlConnection target)
    {
        var columns = (await target.QueryAsync<(string Table, string Column, string Type)>(
            """
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND c.relname <> 'schema_migrations' ORDER BY c.relname, a.attnum
            """)).ToLookup(row => row.Table, row => new MovedColumn(row.Column, row.Type), StringComparer.Ordinal);
        var references = (await target.QueryAsync<(string Table, string Target)>(
            """
            SELECT s.relname, t.relname FROM pg_constraint k JOIN pg_class s ON s.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
            WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND k.connamespace = 'public'::regnamespace
            """)).ToLookup(row => row.Table, row => row.Target, StringComparer.Ordinal);
        var ordered = new List<string>();
        foreach (var table in columns.Select(table => table.Key).Where(name => name != Versions))
        {
            Place(table, references, ordered);
        }

        return [.. ordered.Append(Versions).Select(name => new MovedTable(name, [.. columns[name]]))];
    }

    private static void Place(string table, ILookup<string, string> references, List<string> ordered)
    {
        if (ordered.Contains(table))
        {
            return;
        }

        foreach (var target in references[table])
        {
            Place(target, references, ordered);
        }

        ordered.Add(table);
    }
}
