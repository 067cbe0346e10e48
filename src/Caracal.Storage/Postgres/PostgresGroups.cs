using Npgsql;
using NpgsqlTypes;

namespace Caracal.Storage.Postgres;

/// <summary>
/// Commits changes that arrive together together: one round trip and one flush of the server's log for all of them. Each
/// lock has its own queue, so that a zone whose graph is being changed holds up nobody else.
/// </summary>
internal sealed class PostgresGroups(Func<NpgsqlDataSource> writers, PlanAging plans)
{
    /// <summary>Changes of one round trip; enough that a flush costs each of them little.</summary>
    private const int LargestGroup = 64;

    /// <summary>Groups of one lock under way at a time: one travels while the other is being written.</summary>
    private const int Concurrency = 2;

    private const int Tries = 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<AdvisoryLock, Queue> _queues = [];

    /// <summary>Returns after the commit: the rows each statement changed.</summary>
    public Task<int[]> RunAsync(Change change)
    {
        var pending = new Pending(change);
        lock (_lock)
        {
            if (!_queues.TryGetValue(change.SharedLock, out var queue))
            {
                _queues[change.SharedLock] = queue = new Queue();
            }

            queue.Waiting.Enqueue(pending);
            if (queue.Running < Concurrency)
            {
                queue.Running++;
                _ = Task.Run(() => DrainAsync(change.SharedLock, queue));
            }
        }

        return pending.Done.Task;
    }

    private async Task DrainAsync(AdvisoryLock sharedLock, Queue queue)
    {
        var group = new List<Pending>(LargestGroup);
        while (Take(sharedLock, queue, group))
        {
            await CommitAsync(sharedLock, group);
            group.Clear();
        }
    }

    private bool Take(AdvisoryLock sharedLock, Queue queue, List<Pending> group)
    {
        lock (_lock)
        {
            while (group.Count < LargestGroup && queue.Waiting.TryDequeue(out var next))
            {
                group.Add(next);
            }

            if (group.Count > 0)
            {
                return true;
            }

            queue.Running--;
            if (queue.Running == 0)
            {
                _queues.Remove(sharedLock);
            }

            return false;
        }
    }

    private async Task CommitAsync(AdvisoryLock sharedLock, List<Pending> group)
    {
        try
        {
            await SendAsync(sharedLock, group);
        }
        catch (PostgresException) when (group.Count > 1)
        {
            // One change poisoned all of them: each stands for itself, and only the one at fault fails.
            foreach (var single in group)
            {
                await CommitAsync(sharedLock, [single]);
            }
        }
        catch (Exception fault)
        {
            group.ForEach(pending => pending.Done.TrySetException(fault));
        }
    }

    private async Task SendAsync(AdvisoryLock sharedLock, List<Pending> group)
    {
        for (var attempt = 1; ; attempt++)
        {
            var source = writers();
            try
            {
                // Without BEGIN the statements of a batch are one transaction, which commits at its end.
                await using var connection = await source.OpenConnectionAsync();
                await plans.CountAsync(connection);
                await using var batch = new NpgsqlBatch(connection);
                batch.BatchCommands.Add(Take(sharedLock));
                foreach (var pending in group)
                {
                    foreach (var statement in pending.Change.Statements)
                    {
                        batch.BatchCommands.Add(Command(statement));
                    }
                }

                await batch.ExecuteNonQueryAsync();
                Answer(batch, group);
                return;
            }
            catch (PostgresException fault) when (PostgresFaults.IsWorthAnotherTry(fault) && attempt < Tries)
            {
                await Task.Delay(TimeSpan.FromMilliseconds((10 << attempt) * (0.5 + Random.Shared.NextDouble())));
            }
            catch (Exception fault) when (PostgresFaults.IsBroken(fault))
            {
                // The next one shall not meet the same end.
                source.Clear();
                throw;
            }
        }
    }

    private static void Answer(NpgsqlBatch batch, List<Pending> group)
    {
        var at = 1;
        foreach (var pending in group)
        {
            var rows = new int[pending.Change.Statements.Length];
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] = batch.BatchCommands[at++].RecordsAffected;
            }

            pending.Done.TrySetResult(rows);
        }
    }

    private static NpgsqlBatchCommand Take(AdvisoryLock sharedLock)
    {
        var command = new NpgsqlBatchCommand(
            PositionalSql.Of($"SELECT pg_advisory_xact_lock_shared({sharedLock.Arguments})", ["@name"]));
        if (sharedLock.Key is null)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sharedLock.Name });
        }

        return command;
    }

    private static NpgsqlBatchCommand Command(ChangeStatement statement)
    {
        var command = new NpgsqlBatchCommand(PositionalSql.Of(statement.Sql, statement.Parameters.AsSpan()));
        foreach (var value in statement.Values)
        {
            command.Parameters.Add(Parameter(value));
        }

        return command;
    }

    private static NpgsqlParameter Parameter(object? value) => value switch
    {
        string text => new NpgsqlParameter<string> { TypedValue = text },
        DateTimeOffset time => new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime },
        long number => new NpgsqlParameter<long> { TypedValue = number },
        null => new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = DBNull.Value },
        _ => new NpgsqlParameter { Value = value },
    };

    private sealed class Queue
    {
        public Queue<Pending> Waiting { get; } = new();

        public int Running { get; set; }
    }

    private sealed class Pending(Change change)
    {
        public Change Change { get; } = change;

        public TaskCompletionSource<int[]> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
