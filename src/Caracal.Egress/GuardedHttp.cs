using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Caracal.Egress;

/// <summary>
/// Outgoing HTTP that can only reach vetted addresses (gateway.md A9 "Client settings", A10). No redirects, cookies,
/// decompression, proxy or trace headers; one connection pool per scheme, host and port.
/// </summary>
public sealed class GuardedHttp : IDisposable
{
    private static readonly TimeSpan ConnectPerAddress = TimeSpan.FromSeconds(5);

    private readonly EgressGuard _guard;
    private readonly HttpMessageInvoker _invoker;

    public GuardedHttp(EgressGuard guard, GuardedHttpOptions options)
    {
        _guard = guard;
        _invoker = new HttpMessageInvoker(CreateHandler(options), disposeHandler: true);
    }

    /// <summary>Sends once and returns when the response headers are there; the body streams.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _invoker.SendAsync(request, cancellationToken);

    public void Dispose() => _invoker.Dispose();

    private SocketsHttpHandler CreateHandler(GuardedHttpOptions options) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        PreAuthenticate = false,
        ConnectCallback = ConnectAsync,
        ConnectTimeout = options.ConnectTimeout,
        Expect100ContinueTimeout = TimeSpan.FromSeconds(1),
        MaxConnectionsPerServer = options.MaxConnectionsPerHost,
        EnableMultipleHttp2Connections = true,
        PooledConnectionIdleTimeout = options.IdleTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(10), // so that a changed name is seen even by busy pools
        // Kestrel hands header values over as UTF-8 text; the same bytes must leave again.
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            RemoteCertificateValidationCallback = options.ValidateCertificate,
        },
    };

    // The last check, at the moment of dialling: whatever a name answers now, only vetted literal addresses are used.
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var endPoint = context.DnsEndPoint;
        var addresses = await _guard.VetAsync(endPoint.Host.Trim('[', ']').ToLowerInvariant(), cancellationToken);
        if (addresses.Length == 0)
        {
            throw new EgressRefusedException();
        }

        for (var i = 0; ; i++)
        {
            try
            {
                return await DialAsync(addresses[i], endPoint.Port, cancellationToken);
            }
            catch (Exception fault) when (i + 1 < addresses.Length && fault is SocketException or OperationCanceledException)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<Stream> DialAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(ConnectPerAddress);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            await socket.ConnectAsync(new IPEndPoint(address, port), deadline.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
