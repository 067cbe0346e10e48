using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Connections;

/// <summary>Makes links: TCP, TLS, then <c>HELLO 3</c> with our credentials. There is no older dialect to fall back to.</summary>
internal sealed class RedisDialer(RedisOptions options, RedisFigures figures)
{
    private const int OldestMajorVersion = 7;

    /// <summary>A link that is logged in; throws <see cref="StreamsUnavailableException"/> otherwise.</summary>
    public async Task<RedisLink> DialAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.DialTimeout);
        RedisLink? link = null;
        try
        {
            link = new RedisLink(await ConnectAsync(limit.Token), options, figures);
            await GreetAsync(link, limit.Token);
            figures.CountConnection(link.Closed);
            return link;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            if (link is not null)
            {
                await link.DisposeAsync();
            }

            throw Explain(fault);
        }
    }

    private async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (!options.UseTls)
            {
                return stream;
            }

            var secured = new SslStream(stream);
            stream = secured;
            await secured.AuthenticateAsClientAsync(Tls(), cancellationToken);
            return stream;
        }
        catch
        {
            stream?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    private SslClientAuthenticationOptions Tls() => new()
    {
        TargetHost = options.Host,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) => options.ExtraAuthorities.Accepts(certificate, chain, errors),
    };

    private async Task GreetAsync(RedisLink link, CancellationToken cancellationToken)
    {
        var hello = link.Send(WriteHello, options, options.DialTimeout, cancellationToken);
        var select = options.Database == 0
            ? default
            : link.Send(WriteSelect, options, options.DialTimeout, cancellationToken).AsTask();
        var server = RedisErrorException.ThrowIfError(await hello);
        if (select is not null)
        {
            RedisErrorException.ThrowIfError(await select);
        }

        var version = server["version"].Text ?? "";
        if (!int.TryParse(version.AsSpan(0, Math.Max(0, version.IndexOf('.', StringComparison.Ordinal))), out var major)
            || major < OldestMajorVersion)
        {
            throw new StreamsUnavailableException("Redis 7.0 or newer is required");
        }
    }

    private static void WriteHello(RespBuffer buffer, RedisOptions to)
    {
        buffer.Begin(to.Password is null ? 4 : 7);
        buffer.Part("HELLO"u8);
        buffer.Part("3"u8);
        if (to.Password is { } password)
        {
            buffer.Part("AUTH"u8);
            buffer.Part(to.User ?? "default");
            buffer.Part(password.Reveal());
        }

        buffer.Part("SETNAME"u8);
        buffer.Part(to.ClientName);
    }

    private static void WriteSelect(RespBuffer buffer, RedisOptions to)
    {
        buffer.Begin(2);
        buffer.Part("SELECT"u8);
        buffer.Part(to.Database);
    }

    private StreamsUnavailableException Explain(Exception fault)
    {
        if (fault is StreamsUnavailableException { InnerException: RedisErrorException { Code: "WRONGPASS" or "NOAUTH" or "NOPERM" } })
        {
            figures.CountAuthError();
            return new StreamsUnavailableException("Redis refused our credentials", fault.InnerException);
        }

        figures.CountConnectError();
        return fault switch
        {
            StreamsUnavailableException known => known,
            AuthenticationException => new StreamsUnavailableException("Redis does not show a certificate that we trust", fault),
            OperationCanceledException => new StreamsUnavailableException("Redis cannot be reached in time", fault),
            _ => new StreamsUnavailableException("Redis cannot be reached", fault),
        };
    }
}
