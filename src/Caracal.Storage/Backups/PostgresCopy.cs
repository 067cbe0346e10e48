using System.Collections.Immutable;
using System.Data;
using System.Globalization;
using Caracal.Storage.Migrations;
using Caracal.Storage.Moving;
using Caracal.Storage.Postgres;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Backups;

/// <summary>Copies a PostgreSQL store table by table in one snapshot, and brings such a copy back into an empty database.</summary>
public static class PostgresCopy
{
    public const string Engine = "postgresql";

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Writes <c>&lt;table&gt;.copy</c> for every table into the folder, in PostgreSQL's binary form.</summary>
    public static async Task<StoreContent> TakeAsync(PostgresAddress administrator, string folder, CancellationToken cancellationToken)
    {
        await using var data = PostgresConnections.Administrator(administrator, LockTimeout);
        await using var connection = await data.OpenConnectionAsync(cancellationToken);
        if (!await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('public.schema_migrations') IS NOT NULL"))
        {
            throw new StoreBackupException($"database {administrator.Database} holds no Caracal store");
        }

        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await connection.ExecuteAsync("SET TRANSACTION READ ONLY");
        var content = await StoreContent.ReadAsync(connection, Engine);
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in await MovePlan.ReadAsync(connection))
        {
            // A SELECT, because row-level security refuses COPY of a table to whoever it binds.
            await using var source = await connection.BeginRawBinaryCopyAsync(
                $"COPY (SELECT {Columns(table)} FROM public.{table.Name}) TO STDOUT (FORMAT BINARY)", cancellationToken);
            await using var file = File.Create(Path.Combine(folder, table.Name + ".copy"));
            await source.CopyToAsync(file, cancellationToken);
            rows[table.Name] = 0;
        }

        foreach (var table in rows.Keys.ToList())
        {
            rows[table] = await connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM public.{table}");
        }

        var months = await connection.QueryAsync<string>("SELECT DISTINCT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-01') FROM audit_events ORDER BY 1");
        return content with { Tables = rows, Months = [.. months] };
    }

    /// <summary>
    /// Brings a copy into a database that holds none yet, and into the schema of this version. All of it or nothing; no
    /// service may use the database meanwhile. With <paramref name="endAt"/> the same transaction ends what lived in it.
    /// </summary>
    public static async Task<EndedAuthority?> RestoreAsync(
        PostgresAddress administrator, StoreContent content, string folder, DateTimeOffset? endAt, Action<string> progress, CancellationToken cancellationToken)
    {
        // Binary columns fit their own schema only.
        if (!content.Schema.SequenceEqual(StoreContent.SchemaOf(new PostgresDialect()), StringComparer.Ordinal))
        {
            throw new StoreBackupException("the backup has another schema; restore it with the version that made it, then upgrade");
        }

        await DatabaseCreation.EnsureAsync(administrator, cancellationToken);
        await using (var probe = PostgresConnections.Administrator(administrator, LockTimeout))
        {
            await using var connection = await probe.OpenConnectionAsync(cancellationToken);
            if (await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('public.zones') IS NOT NULL")
                && await connection.ExecuteScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM public.zones)"))
            {
                throw new StoreBackupException($"database {administrator.Database} is in use; restore into a new one, and point the services at it afterwards");
            }
        }

        await MigrationJob.RunAsync(new MigrationJobSettings { Administrator = administrator }, TimeProvider.System, progress, cancellationToken);
        await using var data = PostgresConnections.Administrator(administrator, LockTimeout);
        await using var target = await data.OpenConnectionAsync(cancellationToken);
        var tables = await MovePlan.ReadAsync(target);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        foreach (var month in content.Months)
        {
            await target.ExecuteAsync("SELECT audit_partition_ensure(@day::date)", new { day = DateTime.ParseExact(month, "yyyy-MM-dd", CultureInfo.InvariantCulture) });
        }

        foreach (var table in tables.Where(table => content.Tables.ContainsKey(table.Name)))
        {
            await LoadAsync(target, table, Path.Combine(folder, table.Name + ".copy"), content.Tables[table.Name], cancellationToken);
            progress($"{table.Name}  {content.Tables[table.Name]} rows");
        }

        var ended = endAt is { } now ? await RestoredAuthority.EndAsync(target, now) : null;
        await transaction.CommitAsync(cancellationToken);
        return ended;
    }

    private static async Task LoadAsync(NpgsqlConnection target, MovedTable table, string path, long rows, CancellationToken cancellationToken)
    {
        // As when a store moves: COPY is refused where row-level security binds the writer, and triggers have counted already.
        await target.ExecuteAsync($"ALTER TABLE public.{table.Name} DISABLE TRIGGER USER; ALTER TABLE public.{table.Name} NO FORCE ROW LEVEL SECURITY; DELETE FROM public.{table.Name}");
        await using (var copy = await target.BeginRawBinaryCopyAsync($"COPY public.{table.Name} ({Columns(table)}) FROM STDIN (FORMAT BINARY)", cancellationToken))
        {
            await using var file = File.OpenRead(path);
            await file.CopyToAsync(copy, cancellationToken);
        }

        await target.ExecuteAsync($"ALTER TABLE public.{table.Name} ENABLE TRIGGER USER");
        if (table.Name == "zones" || table.Columns.Any(column => column.Name == "zone_id"))
        {
            await target.ExecuteAsync($"ALTER TABLE public.{table.Name} FORCE ROW LEVEL SECURITY");
        }

        var found = await target.ExecuteScalarAsync<long>($"SELECT count(*) FROM public.{table.Name}");
        if (found != rows) throw new StoreBackupException($"{table.Name} has {found} rows instead of {rows}");
    }

    private static string Columns(MovedTable table) => string.Join(", ", table.Columns.Select(column => column.Name));
}
