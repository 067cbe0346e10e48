using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.Egress.Tests;

/// <summary>sts.md 9.6 against a TLS server: who is trusted with an authority of one's own, and who is not.</summary>
public sealed class ExtraTrustTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-trust-");
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public ExtraTrustTests()
    {
        var request = new CertificateRequest("CN=our own authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
    }

    [Fact]
    public async Task Its_servers_are_trusted_and_only_under_their_own_name()
    {
        var trust = ExtraTrust.FromFile(Write(_authority.ExportCertificatePem()));
        Assert.True(await ConnectsAsync(Issue("localhost"), trust));
        Assert.False(await ConnectsAsync(Issue("other.example.com"), trust));
        Assert.False(await ConnectsAsync(Issue("localhost", expired: true), trust));
        Assert.False(await ConnectsAsync(Issue("localhost"), null));
    }

    [Fact]
    public async Task A_stranger_is_not_trusted_with_it()
    {
        using var stranger = new ExtraTrustTests();
        Assert.False(await ConnectsAsync(stranger.Issue("localhost"), ExtraTrust.FromFile(Write(_authority.ExportCertificatePem()))));
    }

    [Fact]
    public async Task A_file_that_says_nothing_trusts_nobody_and_a_missing_one_changes_nothing()
    {
        Assert.Null(ExtraTrust.FromFile(null));
        Assert.Null(ExtraTrust.FromFile(""));
        Assert.Null(ExtraTrust.FromFile(Path.Combine(_folder.FullName, "missing.pem")));
        foreach (var text in new[] { "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" })
        {
            var trust = ExtraTrust.FromFile(Write(text));
            Assert.NotNull(trust);
            Assert.False(trust(this, null, null, SslPolicyErrors.None));
            Assert.False(await ConnectsAsync(Issue("localhost"), trust));
        }
    }

    public void Dispose()
    {
        _authority.Dispose();
        _authorityKey.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Write(string text)
    {
        var path = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.pem");
        File.WriteAllText(path, text);
        return path;
    }

    private X509Certificate2 Issue(string name, bool expired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var end = expired ? DateTimeOffset.UtcNow.AddHours(-1) : DateTimeOffset.UtcNow.AddDays(1);
        using var issued = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-2), end, RandomNumberGenerator.GetBytes(8));
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    private static async Task<bool> ConnectsAsync(X509Certificate2 certificate, RemoteCertificateValidationCallback? trust)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);
        var guard = new EgressGuard(new EgressPolicy(allowPrivate: true, [], []), new SystemHostResolver(), TimeProvider.System);
        using var http = new GuardedHttp(guard, new GuardedHttpOptions { ValidateCertificate = trust });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            using var answer = await http.SendAsync(request, limit.Token);
            return answer.StatusCode == HttpStatusCode.NoContent;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        finally
        {
            listener.Stop();
            await serving;
        }
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        try
        {
            using var client = await listener.AcceptTcpClientAsync();
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(certificate);
            var buffer = new byte[4096];
            _ = await tls.ReadAtLeastAsync(buffer, 1, throwOnEndOfStream: false);
            await tls.WriteAsync("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"u8.ToArray());
        }
        catch (Exception fault) when (fault is IOException or SocketException or System.Security.Authentication.AuthenticationException or ObjectDisposedException)
        {
            // The client turned away, which is what some tests ask for.
        }
    }
}
