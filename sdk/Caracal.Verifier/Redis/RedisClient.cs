using System.Net.Security;
using System.Net.Sockets;

namespace Caracal.Verifier.Redis;

/// <summary>
/// A small Redis client: one connection, opened when it is needed, on which commands follow each other without waiting.
/// A command is sent once; when its fate is unknown it has failed.
/// </summary>
public sealed class RedisClient : IRedisCommands, IDisposable
{
    /// <summary>From the call to the reply.</summary>
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    private readonly RedisAddress _address;
    private readonly TimeSpan _timeout;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private RedisPipeline? _pipeline;
    private volatile bool _disposed;

    /// <param name="url"><c>redis[s]://[[user]:password@]host[:port][/database]</c></param>
    /// <param name="timeout">For a client whose commands block; otherwise two seconds.</param>
    public RedisClient(string url, TimeSpan? timeout = null)
    {
        _address = RedisAddress.Parse(url);
        _timeout = timeout ?? CommandTimeout;
    }

    public async ValueTask<RedisReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken = default)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            var pipeline = await ConnectedAsync(deadline.Token);
            return await pipeline.SendAsync(command, deadline.Token);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RedisException("TIMEOUT", fault);
        }
        catch (Exception fault) when (fault is SocketException or IOException and not RedisException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            throw new RedisException("UNREACHABLE", fault);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _pipeline?.Dispose();
        _turn.Dispose();
    }

    private async ValueTask<RedisPipeline> ConnectedAsync(CancellationToken cancellationToken)
    {
        if (_pipeline is { IsUsable: true } open)
        {
            return open;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_pipeline is { IsUsable: true } opened)
            {
                return opened;
            }

            _pipeline?.Dispose();
            _pipeline = null;
            _pipeline = await DialAsync(cancellationToken);
            return _pipeline;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<RedisPipeline> DialAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(DialTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        RedisPipeline? pipeline = null;
        try
        {
            await socket.ConnectAsync(_address.Host, _address.Port, deadline.Token);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (_address.UseTls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = _address.Host }, deadline.Token);
            }

            pipeline = new RedisPipeline(stream);
            foreach (var command in _address.Opening())
            {
                await pipeline.SendAsync(command, deadline.Token);
            }

            return pipeline;
        }
        catch
        {
            pipeline?.Dispose();
            socket.Dispose();
            throw;
        }
    }
}
