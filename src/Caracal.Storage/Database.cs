using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Storage.Leadership;
using Caracal.Storage.Migrations;

namespace Caracal.Storage;

/// <summary>
/// The one door to stored state. Reads run on pooled read-only connections; every change runs in a
/// <see cref="Work"/> that is durable when the call returns.
/// </summary>
public abstract class Database : IAsyncDisposable
{
    /// <summary>The reason on <c>/ready</c> while <see cref="ReadSchemaStateAsync"/> is anything but current.</summary>
    public const string SchemaOutdated = "schema_outdated";

    private readonly Notifications _notifications = new();
    private volatile bool _schemaIsCurrent;

    protected Database(ISqlDialect dialect)
    {
        DapperMappings.Register();
        Dialect = dialect;
    }

    /// <summary>What the two engines say differently.</summary>
    public ISqlDialect Dialect { get; }

    /// <summary>Runs a query on a pooled connection that cannot write.</summary>
    public abstract Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default);

    /// <summary>
    /// As <see cref="ReadAsync"/>, for a query that looks at no authority record and no spent mandate: nothing that was issued
    /// (<see cref="TryIssue"/>) could be among its rows, so it need not wait for that to be written.
    /// </summary>
    public virtual Task<T> ReadSettledAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadAsync(query, cancellationToken);

    /// <summary>As <see cref="ReadSettledAsync"/>, for several queries that all see the same moment.</summary>
    public virtual Task<T> ReadSettledSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
        ReadSnapshotAsync(query, cancellationToken);

    /// <summary>Runs several queries that all see the same moment.</summary>
    public abstract Task<T> ReadSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default);

    /// <summary>
    /// How many changes of <see cref="WriteKind.Authority"/> and <see cref="WriteKind.Configuration"/> have committed: facts read at this number still hold while
    /// it stands. Null when other processes write to the same store.
    /// </summary>
    public virtual long? AuthorityVersion => null;

    /// <summary>Runs a change that may concern anybody's authority.</summary>
    public Task<T> WriteAsync<T>(Func<Work, Task<T>> body, CancellationToken cancellationToken = default) =>
        WriteAsync(WriteKind.Authority, body, cancellationToken);

    /// <summary>
    /// Runs <paramref name="body"/> in one transaction and returns after it is durable. The body makes database calls on
    /// <see cref="Work.Connection"/> and awaits nothing else. An exception, or <see cref="Work.Discard"/>, rolls back
    /// this body alone. On PostgreSQL the body may run again after a serialisation failure.
    /// </summary>
    public abstract Task<T> WriteAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken = default);

    /// <summary>
    /// Until disposed, everything that follows in this flow of calls sees and changes one zone only. A backstop: every
    /// query still names its zone. The embedded engine, which one process uses for all zones, has none.
    /// </summary>
    public virtual IDisposable? RestrictTo(string zoneId) => null;

    /// <summary>Runs a body that has no result.</summary>
    public Task WriteAsync(Func<Work, Task> body, CancellationToken cancellationToken = default) =>
        WriteAsync(WriteKind.Authority, body, cancellationToken);

    /// <summary>Runs a body that has no result.</summary>
    public Task WriteAsync(WriteKind kind, Func<Work, Task> body, CancellationToken cancellationToken = default) =>
        WriteAsync(
            kind,
            async work =>
            {
                await body(work);
                return 0;
            },
            cancellationToken);

    /// <summary>Runs a change that is known beforehand, together with those of other callers; returns after it is durable the rows each statement touched.</summary>
    public virtual Task<int[]> ChangeAsync(Change change, CancellationToken cancellationToken = default) =>
        WriteAsync(
            change.Kind,
            async work =>
            {
                var rows = new int[change.Statements.Length];
                for (var i = 0; i < rows.Length; i++)
                {
                    rows[i] = await change.Statements[i].Prepare(work.Connection).ExecuteNonQueryAsync();
                }

                return rows;
            },
            cancellationToken);

    /// <summary>
    /// Takes inserts that follow from facts of <paramref name="authorityVersion"/> and writes them together within moments, before
    /// any later change and before any later read; false when authority has changed since, or when there is no such version.
    /// The end of the process within those moments loses them: only for what takes authority away when it is lost.
    /// </summary>
    public virtual bool TryIssue(long authorityVersion, ImmutableArray<ChangeStatement> statements) => false;

    /// <summary>Takes the lead of a job unless another process has it; null then. The embedded store has one process, which always leads.</summary>
    public virtual Task<ILead?> TryLeadAsync(AdvisoryLock wanted, CancellationToken cancellationToken) => Task.FromResult<ILead?>(new SoleLead());

    /// <summary>The database's own clock, for <see cref="DatabaseClock"/>.</summary>
    public abstract Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken);

    /// <summary>How the schema and this program fit. Read until it is current, and remembered then: migrations are never undone.</summary>
    public async ValueTask<SchemaState> ReadSchemaStateAsync(CancellationToken cancellationToken = default)
    {
        if (!_schemaIsCurrent)
        {
            var state = await ReadSchemaAsync(cancellationToken);
            _schemaIsCurrent = state == SchemaState.Current;
            return state;
        }

        return SchemaState.Current;
    }

    protected virtual Task<SchemaState> ReadSchemaAsync(CancellationToken cancellationToken) =>
        ReadAsync(connection => SchemaCheck.ReadAsync(connection, Dialect), cancellationToken);

    /// <summary>Calls <paramref name="handler"/> with the payload of every <see cref="Work.Notify"/> on the channel that commits. Handlers must be quick and must not throw.</summary>
    public virtual IDisposable Listen(string channel, Action<string> handler) => _notifications.Listen(channel, handler);

    public abstract ValueTask DisposeAsync();

    internal void Deliver(string channel, string payload) => _notifications.Deliver(channel, payload);
}
