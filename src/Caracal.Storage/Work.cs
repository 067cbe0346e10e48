using System.Data.Common;

namespace Caracal.Storage;

/// <summary>One change in progress: everything done on <see cref="Connection"/> commits together or not at all.</summary>
public sealed class Work
{
    private readonly Database _database;
    private readonly Func<AdvisoryLock, bool, Task<bool>> _lock;
    private List<(string Channel, string Payload)>? _notifications;
    private List<Action>? _committed;

    internal Work(Database database, DbConnection connection, Func<AdvisoryLock, bool, Task<bool>> takeLock)
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

    /// <summary>Waits for the lock of a text and holds it until the work ends.</summary>
    public Task LockAsync(string name) => LockAsync(AdvisoryLock.Of(name));

    /// <summary>Waits for the lock and holds it until the work ends.</summary>
    public Task LockAsync(AdvisoryLock wanted) => _lock(wanted, true);

    /// <summary>Takes the lock if nobody holds it; false when somebody does, who then does the job.</summary>
    public Task<bool> TryLockAsync(AdvisoryLock wanted) => _lock(wanted, false);

    /// <summary>Rolls this work back when the body returns; for a refusal found after the first change.</summary>
    public void Discard() => Discarded = true;

    /// <summary>Tells listeners on <paramref name="channel"/> after the commit, and only then.</summary>
    public void Notify(string channel, string payload) => (_notifications ??= []).Add((channel, payload));

    /// <summary>Runs after the commit, before the caller of the change goes on. Must not throw.</summary>
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
