using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>The pools of one service and instance, and how requests move to those of another login or password (operations.md 4.6.7).</summary>
internal sealed class PostgresPools : IAsyncDisposable
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HandoverStep = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly PostgresSettings _settings;
    private readonly (string Readers, string Writers) _names;
    private readonly Lock _entering = new();
    private readonly CancellationTokenSource _closing = new();
    private volatile Pair _serving;
    private volatile Pair _entered;
    private volatile Handover? _handover;
    private Task _moving = Task.CompletedTask;

    /// <param name="address">The server, the database and this service's login.</param>
    /// <param name="settings">Whose connections these are, and their limits.</param>
    public PostgresPools(PostgresAddress address, PostgresSettings settings)
    {
        // The driver counts by name, and one process may have several databases.
        _settings = settings;
        _names = ($"readers {Guid.NewGuid():N}", $"writers {Guid.NewGuid():N}");
        _serving = _entered = Open(address);
        Figures = new PoolFigures([_names.Readers, _names.Writers], Math.Max(2, settings.MaximumConnections));
    }

    /// <summary>How busy they are.</summary>
    public PoolFigures Figures { get; }

    /// <summary>Whose connection the next query takes.</summary>
    public NpgsqlDataSource Readers => Next.Readers;

    /// <summary>Whose connection the next change takes.</summary>
    public NpgsqlDataSource Writers => Next.Writers;

    private Pair Next => _handover?.Next() ?? _serving;

    /// <summary>
    /// From now on enters with another login or password. Requests move over when the connections they need are there, a few at
    /// first; who holds one of the old pools finishes on it, each is closed when it is given back, and the old pools end when
    /// nobody can still be about to open one. As long as the new login is not let in, the old one serves.
    /// </summary>
    /// <param name="address">The same database, entered otherwise.</param>
    /// <param name="moved">Called when all requests have moved; never for a login that was replaced before.</param>
    public void Enter(PostgresAddress address, Action moved)
    {
        var entered = Open(address);
        lock (_entering)
        {
            _entered = entered;
            var before = _moving;
            _moving = Task.Run(() => MoveAsync(before, entered, moved));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _moving;
        await _serving.DisposeAsync();
        Figures.Dispose();
        _closing.Dispose();
    }

    private Pair Open(PostgresAddress address) => new(
        PostgresConnections.Readers(address, _settings, _names.Readers), PostgresConnections.Writers(address, _settings, _names.Writers));

    // One after the other. Who was overtaken has nothing to move to; who is not let in stays where he is and tries again.
    private async Task MoveAsync(Task before, Pair entered, Action moved)
    {
        await before;
        try
        {
            while (_entered == entered && !await TryMoveAsync(entered, moved)) await Task.Delay(RetryDelay, _closing.Token);
        }
        catch (OperationCanceledException)
        {
            // Nobody asks any more.
        }
        finally
        {
            _handover = null;
            if (_serving != entered) _ = DrainAsync(entered);
        }
    }

    // False when the new login is not let in.
    private async Task<bool> TryMoveAsync(Pair entered, Action moved)
    {
        var old = _serving;
        var plan = PostgresConnections.KeepsPlans(_settings);
        var readers = await PoolWarming.RunAsync(old.Readers, entered.Readers, Needed(_names.Readers), plan, _closing.Token);
        var writers = await PoolWarming.RunAsync(old.Writers, entered.Writers, Needed(_names.Writers), plan, _closing.Token);
        if ((readers.Refused ?? writers.Refused) is { } refused)
        {
            Figures.Failed(refused);
            return false;
        }

        if (readers.OldOpens && writers.OldOpens) await HandOverAsync(entered);
        if (_entered != entered) return true;
        _serving = entered;
        moved();
        _ = DrainAsync(old);
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

    // As many as there were, with those of a pool that is still draining; but no pool gives more than its half.
    private int Needed(string pool) => Math.Clamp(Figures.OpenIn(pool), 1, Math.Max(1, _settings.MaximumConnections / 2));

    private static async Task DrainAsync(Pair old)
    {
        old.Readers.Clear();
        old.Writers.Clear();
        await Task.Delay(DrainTime);
        await old.DisposeAsync();
    }

    private sealed record Pair(NpgsqlDataSource Readers, NpgsqlDataSource Writers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Readers.DisposeAsync();
            await Writers.DisposeAsync();
        }
    }

    private sealed class Handover(Pair to, int every)
    {
        private uint _requests;

        public Pair? Next() => Interlocked.Increment(ref _requests) % every == 0 ? to : null;
    }
}
