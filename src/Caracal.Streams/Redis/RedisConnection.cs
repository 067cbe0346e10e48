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
    private readonly SharedLink _shared;
    private readonly ConcurrentBag<Reader> _idleReaders = [];
    private readonly RedisOptions _options;
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

    /// <summary>
    /// From now on enters with other credentials. The shared connection is replaced once the new one is up, and nobody who
    /// waits for a reply on the old one loses it; a reader's connection is replaced before its next read.
    /// </summary>
    public void Enter(RedisOptions options) => _shared.Renew(options);

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
            await reader.Link.DisposeAsync();
        }
    }

    internal ValueTask<RespValue> SendAsync<TState>(
        WriteCommand<TState> write, TState state, CancellationToken cancellationToken) =>
        _shared.SendAsync(write, state, cancellationToken);

    /// <summary>Sends a command that the server may hold back for a time, on a connection that nobody else uses meanwhile.</summary>
    internal async Task<RespValue> SendBlockingAsync<TState>(
        WriteCommand<TState> write, TState state, TimeSpan block, CancellationToken cancellationToken)
    {
        var reader = await RentReaderAsync(cancellationToken);
        var isClean = false;
        try
        {
            var reply = await reader.Link.Send(write, state, block + _options.CommandTimeout, cancellationToken);
            isClean = true;
            return reply;
        }
        finally
        {
            // An abandoned read still blocks at the server: only closing the connection takes it back.
            if (isClean && !_isDisposed && ReferenceEquals(reader.Options, _shared.Entered) && _idleReaders.Count < _options.MaximumIdleReaders)
            {
                _idleReaders.Add(reader);
            }
            else
            {
                await reader.Link.DisposeAsync();
            }
        }
    }

    private async Task<Reader> RentReaderAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (_idleReaders.TryTake(out var idle))
        {
            if (idle.Link.IsOpen && ReferenceEquals(idle.Options, _shared.Entered))
            {
                return idle;
            }

            await idle.Link.DisposeAsync();
        }

        // Credentials that the shared connection has not proven yet would cost a reader its read.
        var options = _shared.Entered;
        return new Reader(await new RedisDialer(options, Figures).DialAsync(cancellationToken), options);
    }

    // A link and what it entered with.
    private sealed record Reader(RedisLink Link, RedisOptions Options);

    private static void WriteAny(RespBuffer buffer, IReadOnlyList<string> command)
    {
        buffer.Begin(command.Count);
        foreach (var part in command)
        {
            buffer.Part(part);
        }
    }
}
