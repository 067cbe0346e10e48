using System.Collections.Concurrent;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>One connection of its own that listens. After a loss it listens again; what was missed in between the pollers find.</summary>
internal sealed class PostgresListener : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly Action<string, string> _deliver;
    private readonly ConcurrentDictionary<string, byte> _channels = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private CancellationTokenSource _changed = new();
    private Task? _running;
    private NpgsqlDataSource _source;

    public PostgresListener(NpgsqlDataSource source, Action<string, string> deliver)
    {
        _source = source;
        _deliver = deliver;
    }

    public void Add(string channel)
    {
        if (!_channels.TryAdd(channel, 0))
        {
            return;
        }

        lock (_lock)
        {
            _changed.Cancel();
            _running ??= Task.Run(RunAsync);
        }
    }

    /// <summary>Listens again through another source.</summary>
    public void Use(NpgsqlDataSource source)
    {
        lock (_lock)
        {
            // The old source pools nothing, so there is nothing of it to close but the connection that listens.
            _source = source;
            _changed.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_running is not null)
        {
            await _running;
        }

        await _source.DisposeAsync();
        _changed.Dispose();
        _stop.Dispose();
    }

    private NpgsqlDataSource Source
    {
        get
        {
            lock (_lock) return _source;
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var source = Source;
                await using var connection = await source.OpenConnectionAsync(_stop.Token);
                connection.Notification += (_, e) => _deliver(e.Channel, e.Payload);
                await ListenAsync(connection, source);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (PostgresFaults.IsUnavailable(fault))
            {
                await Task.WhenAny(Task.Delay(RetryDelay, _stop.Token));
            }
        }
    }

    private async Task ListenAsync(NpgsqlConnection connection, NpgsqlDataSource source)
    {
        while (true)
        {
            CancellationToken changed;
            lock (_lock)
            {
                // Also when the login changed while this connection was being opened.
                if (_source != source) return;
                if (_changed.IsCancellationRequested)
                {
                    _changed.Dispose();
                    _changed = new CancellationTokenSource();
                }

                changed = _changed.Token;
            }

            foreach (var channel in _channels.Keys)
            {
                // Channel names are constants of ours; quoted all the same.
                await using var command = new NpgsqlCommand($"LISTEN \"{channel.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
                await command.ExecuteNonQueryAsync(_stop.Token);
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, changed);
            try
            {
                while (true)
                {
                    await connection.WaitAsync(either.Token);
                }
            }
            catch (OperationCanceledException) when (changed.IsCancellationRequested && !_stop.IsCancellationRequested)
            {
                // Another channel was added: listen to it as well, or through another login.
            }
        }
    }
}
