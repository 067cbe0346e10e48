using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>The pools of one service and instance, and how requests move to those of another login or password (operations.md 4.6.7).</summary>
internal sealed class PostgresPools : IAsyncDisposable
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HandoverStep = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ClosingStep = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly PostgresSettings _settings;
    private readonly Lock _entering = new();
    private readonly CancellationTokenSource _closing = new();
    private volatile Pair _serving;
    private volatile Pair _entered;
    private volatile Handover? _handover;
    private Task _moving = Task.CompletedTask;
    private Task _draining = Task.CompletedTask;

    /// <param name="address">The server, the database and this service's login.</param>
    /// <param name="settings">Whose connections these are, and their limits.</param>
    public PostgresPools(PostgresAddress address, PostgresSettings settings)
    {
        _settings = settings;
        Figures = new PoolFigures(Math.Max(2, settings.MaximumConnections));
        _serving = _entered = Open(address);
    }

    /// <summary>How busy they are.</summary>
    public PoolFigures Figures { get; }

    /// <summary>Whose connection the next query takes.</summary>
    public NpgsqlDataSource Readers => Next.Readers.Source;

    /// <summary>Whose connection the next change takes.</summary>
    public NpgsqlDataSource Writers => Next.Writers.Source;

    private Pair Next => _handover?.Next() ?? _serving;

    /// <summary>
    /// From now on enters with another login or password. Requests move over when the connections they need are there, a few at
    /// first; who holds one of the old pools finishes on it, those that wait in them are closed one after the other, and the old pools
    /// end when nobody can still be about to open one. As long as the new login is not let in, the old one serves.
    /// </summary>
    /// <param name="address">The same database, entered otherwise.</param>
    /// <param name="moved">Called when all requests have moved, before the old pools end; never for a login that was replaced before.</param>
    /// <returns>True when that has ended; false when another login came before, or the end.</returns>
    public Task<bool> EnterAsync(PostgresAddress address, Func<CancellationToken, Task> moved)
    {
        lock (_entering)
        {
            if (_closing.IsCancellationRequested) return Task.FromResult(false);
            var entered = Open(address);
            _entered = entered;
            var before = _moving;
            var moving = Task.Run(() => MoveAsync(before, entered, moved));
            _moving = moving;
            return moving;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _moving;
        await _draining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _serving.DisposeAsync();
        Figures.Dispose();
        _closing.Dispose();
    }

    // The driver counts by name, and one process has several databases and, in a move, several pools.
    private Pair Open(PostgresAddress address)
    {
        var (readers, writers) = ($"readers {Guid.NewGuid():N}", $"writers {Guid.NewGuid():N}");
        Figures.Add(readers);
        Figures.Add(writers);
        return new Pair(
            new Pool(readers, PostgresConnections.Readers(address, _settings, readers)), new Pool(writers, PostgresConnections.Writers(address, _settings, writers)));
    }

    // One after the other. Who was overtaken has nothing to move to; who is not let in stays where he is and tries again.
    private async Task<bool> MoveAsync(Task before, Pair entered, Func<CancellationToken, Task> moved)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            while (_entered == entered && !await TryMoveAsync(entered, moved)) await Task.Delay(RetryDelay, _closing.Token);
            return _serving == entered;
        }
        catch (OperationCanceledException)
        {
            return false; // Nobody asks any more.
        }
        finally
        {
            _handover = null;
            if (_serving != entered) Drain(entered);
        }
    }

    // False when the new login is not let in.
    private async Task<bool> TryMoveAsync(Pair entered, Func<CancellationToken, Task> moved)
    {
        var old = _serving;
        var plan = PostgresConnections.KeepsPlans(_settings);
        var readers = await PoolWarming.RunAsync(old.Readers.Source, entered.Readers.Source, Needed(old.Readers), plan, _closing.Token);
        var writers = await PoolWarming.RunAsync(old.Writers.Source, entered.Writers.Source, Needed(old.Writers), plan, _closing.Token);
        if ((readers.Refused ?? writers.Refused) is { } refused)
        {
            Figures.Failed(refused);
            return false;
        }

        if (readers.OldOpens && writers.OldOpens) await HandOverAsync(entered);
        if (_entered != entered) return true;
        _serving = entered;
        try
        {
            await moved(_closing.Token);
        }
        finally
        {
            Drain(old);
        }

        return true;
    }

    // What a connection is first asked costs it several times as much as later on, and with all of them new at once everybody
    // would wait: so one request in eight meets a new one, then one in four, then every other.
    private async Task HandOverAsync(Pair to)
    {
        foreach (var every in (int[])[8, 4, 2])
        {
            if (_entered != to) return;
            _handover = new Handover(to, every);
            await Task.Delay(HandoverStep, _closing.Token);
        }
    }

    // As many as there were; but no pool gives more than its half.
    private int Needed(Pool old) => Math.Clamp(Figures.OpenIn(old.Name), 1, Math.Max(1, _settings.MaximumConnections / 2));

    private void Drain(Pair old) => _draining = Task.WhenAll(_draining, DrainAsync(old));

    private async Task DrainAsync(Pair old)
    {
        await CloseIdleAsync(old.Readers);
        await CloseIdleAsync(old.Writers);
        await WaitAsync(DrainTime);
        await old.DisposeAsync();
        Figures.Remove(old.Readers.Name);
        Figures.Remove(old.Writers.Name);
    }

    // A process of the server that ends takes as long as one that begins, and with all of them ending at once everybody would wait.
    // So those that wait are taken out; from then on each connection is closed when it is given back, and these are given back in turn.
    private async Task CloseIdleAsync(Pool pool)
    {
        var idle = new List<NpgsqlConnection>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        limit.CancelAfter(DrainTime);
        try
        {
            for (var left = Figures.IdleIn(pool.Name); left > 0; left--) idle.Add(await pool.Source.OpenConnectionAsync(limit.Token));
        }
        catch (Exception fault) when (PoolWarming.IsExpected(fault))
        {
            // Somebody else had it, and nothing more is to be had; or nobody asks any more.
        }

        pool.Source.Clear();
        foreach (var connection in idle)
        {
            await connection.DisposeAsync();
            await WaitAsync(ClosingStep);
        }
    }

    // Not at all for who goes.
    private Task WaitAsync(TimeSpan time) => Task.WhenAny(Task.Delay(time, _closing.Token));

    private sealed record Pool(string Name, NpgsqlDataSource Source);

    private sealed record Pair(Pool Readers, Pool Writers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Readers.Source.DisposeAsync();
            await Writers.Source.DisposeAsync();
        }
    }

    private sealed class Handover(Pair to, int every)
    {
        private uint _requests;

        public Pair? Next() => Interlocked.Increment(ref _requests) % every == 0 ? to : null;
    }
}
