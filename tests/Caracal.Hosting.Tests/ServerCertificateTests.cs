using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Tls;
using Caracal.TestKit;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tests;

public sealed class ServerCertificateTests : IDisposable
{
    private const int Alert = 0x15;
    private const int Handshake = 0x16;

    private readonly CertificateFolder _folder = new();
    private readonly StringWriter _log = new();
    private readonly MovedTime _time = new();

    [Fact]
    public void A_pair_that_does_not_fit_does_not_start()
    {
        _folder.Replace(withoutKey: true);
        Assert.ThrowsAny<Exception>(() => new ServerCertificate(_folder.Certificate, _folder.Key, _time));
    }

    [Fact]
    public void A_changed_pair_serves_the_next_handshakes()
    {
        var certificate = new ServerCertificate(_folder.Certificate, _folder.Key, _time);
        Assert.Equal(_folder.Thumbprint, Shown(certificate));
        _folder.Replace();
        _time.Advance(ServerCertificate.LookInterval);
        Assert.Equal(_folder.Thumbprint, Shown(certificate));
    }

    [Fact]
    public void A_certificate_without_its_key_leaves_the_old_pair_until_the_key_follows()
    {
        var certificate = new ServerCertificate(_folder.Certificate, _folder.Key, _time) { Log = Logger() };
        var old = _folder.Thumbprint;
        _folder.Replace(withoutKey: true);
        _time.Advance(ServerCertificate.LookInterval);
        Assert.Equal(old, Shown(certificate));
        Assert.Contains("certificate_refused", _log.ToString(), StringComparison.Ordinal);

        File.Delete(_folder.Certificate);
        _time.Advance(ServerCertificate.LookInterval);
        Assert.Equal(old, Shown(certificate));

        _folder.Replace();
        _time.Advance(ServerCertificate.LookInterval);
        Assert.Equal(_folder.Thumbprint, Shown(certificate));
    }

    [Fact]
    public void A_switched_link_is_a_change()
    {
        using var next = new CertificateFolder();
        var certificate = Path.Combine(Path.GetDirectoryName(_folder.Certificate)!, "link.crt");
        var key = Path.Combine(Path.GetDirectoryName(_folder.Key)!, "link.key");
        File.CreateSymbolicLink(certificate, _folder.Certificate);
        File.CreateSymbolicLink(key, _folder.Key);
        var served = new ServerCertificate(certificate, key, _time);
        File.Delete(certificate);
        File.Delete(key);
        File.CreateSymbolicLink(certificate, next.Certificate);
        File.CreateSymbolicLink(key, next.Key);
        _time.Advance(ServerCertificate.LookInterval);
        Assert.Equal(next.Thumbprint, Shown(served));
    }

    [Fact]
    public async Task A_running_server_changes_its_certificate_and_tells_when_it_expires()
    {
        var metrics = new MetricsRegistry();
        await using var server = RoleServer.Create(
            new RoleServerOptions
            {
                Role = "gateway",
                Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = _folder.Certificate, KeyFile = _folder.Key },
                RequestIdRule = RequestIdRule.Visible,
                Metrics = metrics,
            },
            new JsonLineLogging(TextWriter.Synchronized(_log), LogLevel.Information, "1.0.0", "test"));
        await server.StartAsync(CancellationToken.None);
        Assert.Equal(_folder.Thumbprint, await ShownByAsync(server, SslProtocols.Tls13));
        Assert.Contains("caracal_tls_cert_expiry_seconds 8", metrics.ToText(), StringComparison.Ordinal); // 8xxxx s: a day

        _folder.Replace();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await ShownByAsync(server, SslProtocols.Tls12) != _folder.Thumbprint)
        {
            Assert.True(await tick.WaitForNextTickAsync(limit.Token));
        }

        Assert.Contains("certificate_reloaded", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R58")]
    public async Task TLS_older_than_1_2_is_refused()
    {
        await using var server = RoleServer.Create(
            new RoleServerOptions
            {
                Role = "gateway",
                Listen = new ListenSettings { Host = "127.0.0.1", Port = 0, CertificateFile = _folder.Certificate, KeyFile = _folder.Key },
                RequestIdRule = RequestIdRule.Visible,
            },
            new JsonLineLogging(TextWriter.Synchronized(_log), LogLevel.Information, "1.0.0", "test"));
        await server.StartAsync(CancellationToken.None);
        Assert.Equal(Alert, await FirstByteAsync(server, helloMinor: 2)); // TLS 1.1
        Assert.Equal(Handshake, await FirstByteAsync(server, helloMinor: 3)); // the same hello, TLS 1.2
    }

    public void Dispose()
    {
        _folder.Dispose();
        _log.Dispose();
    }

    private ILogger Logger() => new JsonLineLogging(_log, LogLevel.Information, "1.0.0", "test").CreateLogger("gateway");

    private static string Shown(ServerCertificate certificate) =>
        certificate.ForHandshake().ServerCertificateContext!.TargetCertificate.Thumbprint;

    // A client's own library refuses old protocols too, so the hello is written by hand.
    private static async Task<int> FirstByteAsync(RoleServer server, byte helloMinor)
    {
        byte[] extensions =
        [
            0, 10, 0, 4, 0, 2, 0, 23, // groups: P-256
            0, 11, 0, 2, 1, 0, // points: uncompressed
            0, 13, 0, 4, 0, 2, 4, 3, // signatures: ecdsa_secp256r1_sha256
        ];
        byte[] body =
        [
            3, helloMinor, .. new byte[32], 0, // version, random, no session
            0, 4, 0xC0, 0x09, 0xC0, 0x2B, // ECDHE-ECDSA with AES-128-SHA or AES-128-GCM
            1, 0, 0, (byte)extensions.Length, .. extensions,
        ];
        byte[] record = [Handshake, 3, 1, 0, (byte)(body.Length + 4), 1, 0, 0, (byte)body.Length, .. body];
        using var connection = new TcpClient();
        var address = new Uri(server.Address);
        await connection.ConnectAsync(address.Host, address.Port);
        var stream = connection.GetStream();
        await stream.WriteAsync(record);
        var first = new byte[1];
        return await stream.ReadAsync(first) == 0 ? -1 : first[0];
    }

    private static async Task<string> ShownByAsync(RoleServer server, SslProtocols protocol)
    {
        using var connection = new TcpClient();
        var address = new Uri(server.Address);
        await connection.ConnectAsync(address.Host, address.Port);
        await using var tls = new SslStream(connection.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocol,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
        });
        return tls.RemoteCertificate!.GetCertHashString();
    }

    private sealed class MovedTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
