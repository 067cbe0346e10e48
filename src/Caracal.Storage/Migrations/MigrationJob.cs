using System.Collections.Immutable;
using System.Globalization;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Migrations;

/// <summary>What the migration job of PostgreSQL needs (storage.md 7).</summary>
public sealed record MigrationJobSettings
{
    /// <summary>The administrator's address: owner of the database, or superuser. Never a service's.</summary>
    public required PostgresAddress Administrator { get; init; }

    /// <summary>Passwords of the logins; a service that is absent keeps what it has.</summary>
    public IReadOnlyDictionary<ServiceRole, string> Passwords { get; init; } = ImmutableDictionary<ServiceRole, string>.Empty;

    /// <summary>How often the first connection is tried, <see cref="ConnectSleep"/> apart.</summary>
    public int ConnectTries { get; init; } = 30;

    public TimeSpan ConnectSleep { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The advisory lock that serialises jobs.</summary>
    public long LockKey { get; init; } = 4732518903281471;
}

/// <summary>What a migration job did.</summary>
/// <param name="Applied">Versions applied now, in order.</param>
/// <param name="Logins">Logins that got their password.</param>
public sealed record MigrationReport(ImmutableArray<string> Applied, ImmutableArray<(ServiceRole Role, string Login)> Logins);

/// <summary>
/// Brings a PostgreSQL schema up to date: each migration in a transaction of its own under the advisory lock, then roles,
/// row-level security, views and grants in one more. Safe to run again and by several at once.
/// </summary>
public static class MigrationJob
{
    /// <summary>Longest wait for a lock that a running service holds; then everything is released and tried again.</summary>
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);

    private const int LockTries = 24;

    /// <summary>Runs the job.</summary>
    /// <param name="settings">Where and with what.</param>
    /// <param name="time">Clock of <c>applied_at</c> and of the waits.</param>
    /// <param name="progress">Called with a line before each step that may take long.</param>
    /// <param name="cancellationToken">Stops between two steps; nothing is left half done.</param>
    public static async Task<MigrationReport> RunAsync(
        MigrationJobSettings settings, TimeProvider time, Action<string> progress, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(settings.Administrator, LockTimeout);
        await ConnectAsync(source, settings, time, progress, cancellationToken);
        var dialect = new PostgresDialect();
        var applied = ImmutableArray.CreateBuilder<string>();
        foreach (var migration in MigrationFiles.For(dialect))
        {
            var isNew = await LockedAsync(source, settings, time, progress, async connection => await Migrator.ApplyAsync(
                connection, migration, await Migrator.ReadAppliedAsync(connection, dialect), time.GetUtcNow()), cancellationToken);
            if (isNew)
            {
                progress($"applied {migration.Version}");
                applied.Add(migration.Version);
            }
        }

        var logins = await LockedAsync(source, settings, time, progress, async connection =>
        {
            await PrivilegeStep.ApplyAsync(connection);
            var set = ImmutableArray.CreateBuilder<(ServiceRole, string)>();
            foreach (var (role, password) in settings.Passwords)
            {
                if (await RolePasswords.SetAsync(connection, role, password) is { } login) set.Add((role, login));
                else progress($"both logins of {role} may log in: a rotation is under way, and their passwords stay");
            }

            return set.ToImmutable();
        }, cancellationToken);
        return new MigrationReport(applied.ToImmutable(), logins);
    }

    /// <summary>Versions that this program has and the database does not, in order; changes nothing.</summary>
    public static async Task<ImmutableArray<string>> PendingAsync(
        MigrationJobSettings settings, TimeProvider time, Action<string> progress, CancellationToken cancellationToken)
    {
        await using var source = PostgresConnections.Administrator(settings.Administrator, LockTimeout);
        await ConnectAsync(source, settings, time, progress, cancellationToken);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var exists = await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('public.schema_migrations') IS NOT NULL");
        var applied = exists ? (await connection.QueryAsync<string>("SELECT version FROM public.schema_migrations")).ToHashSet(StringComparer.Ordinal) : [];
        return [.. MigrationFiles.For(new PostgresDialect()).Select(migration => migration.Version).Where(version => !applied.Contains(version))];
    }

    private static async Task ConnectAsync(
        NpgsqlDataSource source, MigrationJobSettings settings, TimeProvider time, Action<string> progress, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellationToken);
                if (connection.PostgreSqlVersion.Major < 15)
                {
                    throw new InvalidOperationException($"PostgreSQL 15 or newer is needed, this server is {connection.PostgreSqlVersion}");
                }

                return;
            }
            catch (NpgsqlException fault) when (attempt < settings.ConnectTries && PostgresFaults.MayComeUp(fault))
            {
                if (attempt == 1)
                {
                    progress($"waiting for PostgreSQL at {settings.Administrator.Host}:{settings.Administrator.Port.ToString(CultureInfo.InvariantCulture)}");
                }

                await Task.Delay(settings.ConnectSleep, time, cancellationToken);
            }
        }
    }

    private static async Task<T> LockedAsync<T>(
        NpgsqlDataSource source, MigrationJobSettings settings, TimeProvider time, Action<string> progress,
        Func<NpgsqlConnection, Task<T>> body, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await connection.ExecuteAsync($"SELECT pg_advisory_xact_lock({settings.LockKey.ToString(CultureInfo.InvariantCulture)})");
                var result = await body(connection);
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }
            catch (PostgresException fault) when (PostgresFaults.IsWorthWaiting(fault) && attempt < LockTries)
            {
                progress("a lock is held by somebody else; trying again");
                await Task.Delay(TimeSpan.FromMilliseconds(200 * (1 + Random.Shared.NextDouble())), time, cancellationToken);
            }
        }
    }
}
