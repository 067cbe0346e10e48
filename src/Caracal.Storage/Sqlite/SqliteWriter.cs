using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// The single writer. Whoever finds nobody writing writes at once, on its own thread; works that arrive meanwhile share
/// the next transaction, each inside a savepoint of its own, and every caller goes on only after the commit that holds
/// its work has reached the disk. Issues (<see cref="Database.TryIssue"/>) are the exception: they wait for a transaction that
/// somebody else needs, and nobody waits for them but whoever reads.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    /// <summary>Callers of one transaction; what was issued goes along with any number of them.</summary>
    private const int LargestBatch = 128;

    /// <summary>Issues that may wait; beyond it the next one starts a transaction of their own.</summary>
    private const int MostIssues = 1024;

    /// <summary>Issues that may wait while somebody writes for long; beyond it their callers wait too.</summary>
    private const int LargestBacklog = 4096;

    /// <summary>How long an issue waits for somebody else's transaction; what the end of the process may cost.</summary>
    private static readonly TimeSpan IssueDelay = TimeSpan.FromMilliseconds(100);

    /// <summary>How soon an issue that is due looks again whether somebody still writes.</summary>
    private static readonly TimeSpan IssueRetry = TimeSpan.FromMilliseconds(5);

    private readonly Lock _gate = new();
    private readonly SqliteBatch _transaction;
    private readonly Func<bool> _takeWaiting;
    private readonly SqliteConnection _connection;
    private readonly Queue<SqliteWrite> _waiting = new();
    private readonly List<IssuedWrite> _issues = [];
    private readonly List<SqliteWrite> _batch = new(LargestBatch);
    private readonly Timer _issueTimer;
    private long _authorityVersion;
    private int _authorityUnits;
    private volatile int _openIssues;
    private bool _issuesAreDue;
    private long _oldestIssue;
    private bool _lastCommitFailed;
    private bool _writing;
    private bool _closed;

    public SqliteWriter(SqliteDatabase database, KeepingConnection connection)
    {
        _connection = connection;
        _transaction = new SqliteBatch(database, connection);
        _takeWaiting = TakeWaiting;
        _issueTimer = new Timer(static writer => ((SqliteWriter)writer!).WriteIssues(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Whether something was answered that no reader can see yet.</summary>
    public bool HasOpenIssues => _openIssues > 0;

    public long AuthorityVersion => Interlocked.Read(ref _authorityVersion);

    public Task<T> RunAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken)
    {
        var unit = new CallersWrite<T>(kind, body, cancellationToken);
        lock (_gate)
        {
            if (_closed)
            {
                throw new StorageUnavailableException("the store is closing");
            }

            _waiting.Enqueue(unit);
            _authorityUnits += kind == WriteKind.Authority ? 1 : 0;
            if (_writing)
            {
                return unit.Task;
            }

            _writing = true;
        }

        WriteNext();
        return unit.Task;
    }

    /// <summary>
    /// Takes an issue into the next transaction, before whatever else is in it; false when authority has changed since the
    /// given version, or is about to; a change of configuration that is about to commits after it. So its place in the order of changes is the moment of this call. A store that does not
    /// take what it is given, or not fast enough, takes no issue: their callers then wait, and learn of it.
    /// </summary>
    public bool TryIssue(long authorityVersion, ImmutableArray<ChangeStatement> statements)
    {
        lock (_gate)
        {
            if (_authorityUnits > 0 || authorityVersion != _authorityVersion
                || _closed || _lastCommitFailed || _issues.Count >= LargestBacklog)
            {
                return false;
            }

            if (_issues.Count == 0)
            {
                _oldestIssue = Stopwatch.GetTimestamp();
            }

            _issues.Add(new IssuedWrite(statements));
            _openIssues++;
            if (_issues.Count < MostIssues || _writing)
            {
                if (!_issuesAreDue)
                {
                    _issuesAreDue = true;
                    _issueTimer.Change(IssueDelay, Timeout.InfiniteTimeSpan);
                }

                return true;
            }

            _writing = true;
        }

        WriteNext();
        return true;
    }

    /// <summary>Returns after everything that was issued before can be read.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) =>
        RunAsync(WriteKind.Issue, static _ => Task.FromResult(true), cancellationToken);

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
        }

        // What was taken before the close still commits.
        SpinWait.SpinUntil(() =>
        {
            lock (_gate)
            {
                return !_writing;
            }
        });
        if (_issues.Count > 0)
        {
            WriteNext();
        }

        _issueTimer.Dispose();
        _connection.Dispose();
    }

    // One batch, then the next goes to the thread pool: a caller does its own work, not everybody's for ever.
    private void WriteNext()
    {
        TakeWaiting();
        Commit();
        _batch.Clear();
        lock (_gate)
        {
            _writing = _waiting.Count > 0;
            if (!_writing)
            {
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.WriteNext(), this, preferLocal: false);
    }

    // Nobody took them along in time.
    private void WriteIssues()
    {
        lock (_gate)
        {
            // Those that are waiting now may have come after a transaction that took along the ones this was set for.
            var left = _issues.Count == 0 ? TimeSpan.Zero : IssueDelay - Stopwatch.GetElapsedTime(_oldestIssue);
            _issuesAreDue = _issues.Count > 0 && (_writing || left > TimeSpan.Zero);
            if (_issuesAreDue)
            {
                _issueTimer.Change(left > TimeSpan.Zero ? left : IssueRetry, Timeout.InfiniteTimeSpan);
            }

            if (_closed || _issuesAreDue || _issues.Count == 0)
            {
                return;
            }

            _writing = true;
        }

        WriteNext();
    }

    private void Commit()
    {
        try
        {
            _transaction.Write(_batch, _takeWaiting);
            CountAuthority(failed: false);
        }
        catch (Exception fault)
        {
            CountAuthority(failed: true); // A commit that failed late may have happened after all.
            var reported = fault is SqliteException sqlite && SqliteFaults.IsUnavailable(sqlite)
                ? new StorageUnavailableException("the store cannot be written", fault)
                : fault;
            _batch.ForEach(unit => unit.Fail(reported));
            return;
        }

        _batch.ForEach(unit => unit.Complete());
    }

    // What was issued comes first: its place in the order of changes is the moment at which it was taken.
    private bool TakeWaiting()
    {
        lock (_gate)
        {
            var before = _batch.Count;
            _batch.AddRange(_issues);
            _issues.Clear();
            for (var callers = 0; callers < LargestBatch && _waiting.TryDequeue(out var next); callers++)
            {
                _batch.Add(next);
            }

            return _batch.Count > before;
        }
    }

    // Before any caller hears of the commit: whoever asks after its answer must not find what was read before it. An issue
    // that was not written is remembered as if it were, so its loss counts as a change too.
    private void CountAuthority(bool failed)
    {
        var authority = 0;
        var configuration = 0;
        var issues = 0;
        var lost = false;
        foreach (var unit in _batch)
        {
            authority += unit.Kind == WriteKind.Authority ? 1 : 0;
            configuration += unit.Kind == WriteKind.Configuration ? 1 : 0;
            if (unit is IssuedWrite issue)
            {
                issues++;
                lost |= failed || issue.Failed;
            }
        }

        lock (_gate)
        {
            _authorityUnits -= authority;
            _openIssues -= issues;
            _lastCommitFailed = failed;
            if (authority > 0 || configuration > 0 || lost)
            {
                Interlocked.Increment(ref _authorityVersion);
            }
        }
    }
}
