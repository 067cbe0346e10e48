using System.Globalization;
using Caracal.Storage.Privileges;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>The data sources of one service and instance.</summary>
internal static class PostgresConnections
{
    // Row-level security shows nothing until the zone is set, so it is a start-up option and not a first query.
    private const string EveryZone = "-c caracal.zone_id=*";

    private const string ReadOnly = " -c default_transaction_read_only=on";

    /// <summary>Bytes: a batch or a page of the ledger is hundreds of kilobytes, and each filled buffer wakes the other side.</summary>
    private const int LedgerBuffer = 64 * 1024;

    // A ledger is never small enough to be read whole, but its statistics are a minute old, and after the first minute of a
    // month they say it is empty: then a look at five hundred ids was a scan of everything, in two more processes.
    private const string LedgerPlans =
        " -c plan_cache_mode=force_custom_plan -c enable_seqscan=off -c max_parallel_workers_per_gather=0 -c jit=off";

    /// <summary>Half of the pool, for queries; the server refuses a change on it.</summary>
    public static NpgsqlDataSource Readers(PostgresAddress address, PostgresSettings settings, string name) =>
        Pool(address, settings, name, (settings.MaximumConnections + 1) / 2, (settings.MinimumConnections + 1) / 2, ReadOnly);

    /// <summary>The other half, for changes.</summary>
    public static NpgsqlDataSource Writers(PostgresAddress address, PostgresSettings settings, string name) =>
        Pool(address, settings, name, settings.MaximumConnections / 2, settings.MinimumConnections / 2, "");

    /// <summary>Connections outside the pool, kept for <c>LISTEN</c> and for leads: they wait for hours, so neither time limit holds for them.</summary>
    public static NpgsqlDataSource Apart(PostgresAddress address, PostgresSettings settings)
    {
        var builder = Common(address, settings);
        builder.Pooling = false;
        builder.KeepAlive = 30;
        builder.Options = EveryZone;
        return Create(builder);
    }

    /// <summary>A connection of the administrator outside any pool, for the migration job and for moving a store.</summary>
    public static NpgsqlDataSource Administrator(PostgresAddress address, TimeSpan lockTimeout)
    {
        var builder = Common(address, new PostgresSettings());
        builder.Pooling = false;
        builder.CommandTimeout = 0;
        builder.Options = string.Create(CultureInfo.InvariantCulture, $"{EveryZone} -c lock_timeout={(int)lockTimeout.TotalMilliseconds}");
        return Create(builder);
    }

    /// <summary>Whether a connection keeps the plan of what it is asked again; Audit's make one each time.</summary>
    public static bool KeepsPlans(PostgresSettings settings) => Plans(settings) != LedgerPlans;

    private static NpgsqlDataSource Pool(PostgresAddress address, PostgresSettings settings, string name, int maximum, int minimum, string options)
    {
        var builder = Common(address, settings);
        builder.MaxPoolSize = Math.Max(1, maximum);
        builder.MinPoolSize = Math.Min(minimum, builder.MaxPoolSize);
        builder.ConnectionLifetime = (int)Math.Max(1, settings.ConnectionLifetime.TotalSeconds);
        builder.ConnectionIdleLifetime = (int)Math.Max(1, settings.IdleLifetime.TotalSeconds);
        builder.ConnectionPruningInterval = Math.Min(10, builder.ConnectionIdleLifetime);
        builder.MaxAutoPrepare = 200;
        builder.AutoPrepareMinUsages = 2;
        if (settings.Role == ServiceRole.Audit) builder.ReadBufferSize = builder.WriteBufferSize = LedgerBuffer;

        // Nothing of ours outlives its transaction: settings are LOCAL, locks are of the transaction, LISTEN has its own
        // connection. So a connection needs no cleaning between two users, which would cost each of them eight statements.
        builder.NoResetOnClose = true;
        builder.Options = string.Create(
            CultureInfo.InvariantCulture,
            $"{EveryZone}{Plans(settings)} -c statement_timeout={(int)settings.StatementTimeout.TotalMilliseconds} -c idle_in_transaction_session_timeout={(int)settings.IdleInTransactionTimeout.TotalMilliseconds}{options}");
        return Create(builder, name);
    }

    // All types here are PostgreSQL's own: reading its list of types would cost each source's first connection as much as opening it.
    private static NpgsqlDataSource Create(NpgsqlConnectionStringBuilder builder, string? name = null) =>
        new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = name }.ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();

    // What the STS asks on every call finds its rows by key: one plan for ever is right, and planning costs ten times the
    // query. Audit asks rarely and for many rows of a ledger that grows and is cut by the month: each batch is planned.
    private static string Plans(PostgresSettings settings) =>
        settings.Role == ServiceRole.Sts ? " -c plan_cache_mode=force_generic_plan"
        : settings.Role == ServiceRole.Audit ? LedgerPlans
        : "";

    private static NpgsqlConnectionStringBuilder Common(PostgresAddress address, PostgresSettings settings)
    {
        var builder = address.ToBuilder();
        builder.ApplicationName = settings.ApplicationName;
        builder.SearchPath = settings.SearchPath;
        builder.Timeout = (int)Math.Max(1, settings.ConnectTimeout.TotalSeconds);
        builder.IncludeErrorDetail = false; // Details hold values of rows, and errors reach logs.
        builder.GssEncryptionMode = GssEncryptionMode.Disable;
        return builder;
    }
}
