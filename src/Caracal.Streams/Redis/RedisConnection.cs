using System.Collections.Concurrent;
using Caracal.Streams.Redis.Connections;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis;

/// <summary>
/// Our way to one Redis: a connection that all callers share, and one of its own for each blocking reader. It dials at
/// the first command, again and again when the server is lost, and refuses at once while there is none.
/// </summary>
public sealed class RedisConnection : IAsyncDisposable
{
    private readonly RedisOptions _options;
    private readonly SharedLink _shared;
    private readonly ConcurrentBag<RedisLink> _idleReaders = [];
    private volatile bool _isDisposed;

    public RedisConnection(RedisOptions options)
    {
        _options = options;
        _shared = new SharedLink(options, Figures);
    }

    /// <summary>Counters since it was made.</summary>
    public RedisFigures Figures { get; } = new();

    /// <summary>True while the shared connection is up.</summary>
    public bool IsConnected => _shared.IsOpen;

    /// <summary>
    /// Runs any command, for administration. A refusal of the server is a reply of kind <see cref="RespKind.Error"/>;
    /// <see cref="StreamsUnavailableException"/> says that there is no server.
    /// </summary>
    public async Task<RespValue> ExecuteAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        await SendAsync(WriteAny, command, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _shared.DisposeAsync();
        while (_idleReaders.TryTake(out var reader))
        {
            await reader.DisposeAsync();
        }
    }

    internal ValueTask<RespValue> SendAsync<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken) =>
        _shared.SendAsync(write, state, cancellationToken);

    /// <summary>Sends a command that the server may hold back for a time, on a connection that nobody else uses meanwhile.</summary>
    internal async Task<RespValue> SendBlockingAsync<TState>(
        WriteCommand<TState> write, TState state, TimeSpan block, CancellationToken cancellationToken)
    {
        var link = await RentReaderAsync(cancellationToken);
        var isClean = false;
        try
        {
            var reply = await link.Send(write, state, block + _options.CommandTimeout, cancellationToken);
            isClean = true;
            return reply;
        }
        finally
        {
            // An abandoned read still blocks at the server: only closing the connection takes it back.
            if (isClean && !_isDisposed && _idleReaders.Count < _options.MaximumIdleReaders)
            {
                _idleReaders.Add(link);
            }
            else
            {
                await link.DisposeAsync();
            }
        }
    }

    private async Task<RedisLink> RentReaderAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (_idleReaders.TryTake(out var idle))
        {
            if (idle.IsOpen)
            {
                return idle;
            }

            await idle.DisposeAsync();
        }

        return await new RedisDialer(_options, Figures).DialAsync(cancellationToken);
    }

    private static void WriteAny(RespBuffer buffer, IReadOnlyList<string> command)
    {
        buffer.Begin(command.Count);
        foreach (var part in command)
        {
            buffer.Part(part);
        }
    }
}
