using System.Data.Common;

namespace Caracal.Storage;

/// <summary>One change in progress: everything done on <see cref="Connection"/> commits together or not at all.</summary>
public sealed class Work
{
    private readonly Database _database;
    private readonly Func<string, Task> _lock;
    private List<(string Channel, string Payload)>? _notifications;
    private List<Action>? _committed;

    internal Work(Database database, DbConnection connection, Func<string, Task> takeLock)
    {
        _database = database;
        Connection = connection;
        _lock = takeLock;
    }

    /// <summary>The connection whose open transaction is this work; commands need no transaction object.</summary>
    public DbConnection Connection { get; }

    /// <summary>What the two engines say differently.</summary>
    public ISqlDialect Dialect => _database.Dialect;

    internal bool Discarded { get; private set; }

    internal IReadOnlyList<(string Channel, string Payload)> Notifications => _notifications ?? [];

    /// <summary>
    /// Holds the named advisory lock until the work ends (storage.md 7: one-argument form of the text's hash). The
    /// embedded engine has one writer, so there every work holds every lock.
    /// </summary>
    public Task LockAsync(string name) => _lock(name);

    /// <summary>Rolls this work back when the body returns; for a refusal found after the first change.</summary>
    public void Discard() => Discarded = true;

    /// <summary>Tells listeners on <paramref name="channel"/> after the commit, and only then.</summary>
    public void Notify(string channel, string payload) => (_notifications ??= []).Add((channel, payload));

    /// <summary>Runs after the commit, before the caller of <see cref="Database.WriteAsync{T}"/> goes on. Must not throw.</summary>
    public void OnCommitted(Action action) => (_committed ??= []).Add(action);

    /// <summary>Runs what waits for the commit. Where the server tells every process, it tells this one too.</summary>
    internal void Committed(bool deliverLocally)
    {
        _committed?.ForEach(action => action());
        if (deliverLocally)
        {
            _notifications?.ForEach(n => _database.Deliver(n.Channel, n.Payload));
        }
    }
}
