using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>One work of the single writer, from its transaction to its caller.</summary>
internal abstract class SqliteWrite(WriteKind kind)
{
    public WriteKind Kind => kind;

    /// <summary>Runs the body; false when it threw, in which case its changes are rolled back and the caller gets the exception.</summary>
    public abstract bool Execute(Work work);

    public abstract void Complete();

    public abstract void Fail(Exception fault);
}

/// <summary>A work whose caller went on long ago (<see cref="Database.TryIssue"/>).</summary>
internal sealed class IssuedWrite(ImmutableArray<ChangeStatement> statements) : SqliteWrite(WriteKind.Issue)
{
    public bool Failed { get; private set; }

    public override bool Execute(Work work)
    {
        try
        {
            foreach (var statement in statements)
            {
                statement.Run(work.Connection);
            }

            return true;
        }
        catch (Exception fault) when (fault is not SqliteException sqlite || !SqliteFaults.IsUnavailable(sqlite))
        {
            Failed = true;
            return false;
        }
    }

    public override void Complete()
    {
        // Its caller went on long ago.
    }

    public override void Fail(Exception fault)
    {
        // What was issued is refused from now on: CountAuthority saw to it that nobody remembers it.
    }
}

/// <summary>A work whose caller waits for the commit and gets its result or its fault.</summary>
internal sealed class CallersWrite<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken) : SqliteWrite(kind)
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Work? _work;
    private Exception? _fault;
    private T? _result;

    public Task<T> Task => _completion.Task;

    public override bool Execute(Work work)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            _result = body(work).GetAwaiter().GetResult();
            _work = work;
            return true;
        }
        catch (Exception fault) when (fault is not SqliteException sqlite || !SqliteFaults.IsUnavailable(sqlite))
        {
            _fault = fault;
            return false;
        }
    }

    public override void Complete()
    {
        if (_fault is not null)
        {
            Fail(_fault);
            return;
        }

        try
        {
            if (!_work!.Discarded)
            {
                _work.Committed(deliverLocally: true);
            }
        }
        catch (Exception fault)
        {
            // A listener's fault is its caller's to see; the work is committed and the writer goes on.
            _completion.SetException(fault);
            return;
        }

        _completion.SetResult(_result!);
    }

    public override void Fail(Exception fault)
    {
        if (fault is OperationCanceledException)
        {
            _completion.TrySetCanceled(cancellationToken.IsCancellationRequested ? cancellationToken : CancellationToken.None);
        }
        else
        {
            _completion.TrySetException(_fault ?? fault);
        }
    }
}
