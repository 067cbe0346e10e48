using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Keys.Certificates;
using Caracal.Keys.Secrets;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Redis;

public sealed class RedisLoginTests(RedisServer server) : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(60));

    private CancellationToken End => _end.Token;

    [Theory]
    [Trait("requirement", "R9")]
    [InlineData("hunter2")]
    [InlineData(null)]
    public async Task Wrong_or_no_credentials_are_refused_and_never_repeated(string? password)
    {
        var options = server.Options() with { Password = password is null ? null : new SecretText(password) };
        await using var redis = new RedisConnection(options);
        var refused = await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await new RedisState(redis).PingAsync(End));
        Assert.Equal("Redis refused our credentials", refused.Message);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.True(redis.Figures.AuthErrors > 0);
        Assert.Equal(0, redis.Figures.Connections);
    }

    [Fact]
    public async Task Nobody_there_is_told_at_once()
    {
        await using var redis = new RedisConnection(server.Options() with { Port = RedisServer.FreePort() });
        await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await new RedisState(redis).PingAsync(End));
        await Assert.ThrowsAsync<StreamsUnavailableException>(
            () => new RedisStreams(redis).ReadAsync(["t"], "g", "c", 1, Minute, End));
        Assert.False(redis.IsConnected);
        Assert.True(redis.Figures.ConnectErrors > 0);
    }

    [Fact]
    public async Task A_service_user_reaches_its_own_keys_and_no_others()
    {
        await using var admin = new RedisConnection(server.Options() with { Database = 0 });
        const string Rules =
            "on >a-password-of-a-service resetkeys ~seen:jti:* ~caracal.sessions.revoke* ~stream-failure:* "
            + "-@all +@stream +@read +@write +@connection +eval +script +time -@dangerous +config|get";
        var made = await admin.ExecuteAsync(["ACL", "SETUSER", "caracal-test", "reset", .. Rules.Split(' ')], End);
        Assert.Equal("OK", made.Text);
        await using var redis = new RedisConnection(
            server.Options() with { User = "caracal-test", Password = new SecretText("a-password-of-a-service") });
        var state = new RedisState(redis);
        var streams = new RedisStreams(redis);

        Assert.Equal("NOPERM", await Refused(() => state.TryAddAsync("caracal:sts:gw-nonce:n", "", Minute, End).AsTask()));
        Assert.Equal("NOPERM", await Refused(() => state.IncrementAsync("rl:other", Minute, End).AsTask()));
        Assert.Equal("NOPERM", await Refused(() => streams.AppendAsync("caracal.audit.events", [new("a", "b")], null, End)));
        Assert.Equal(RespKind.Error, (await redis.ExecuteAsync(["FLUSHALL"], End)).Kind);

        Assert.True(await state.TryAddAsync("seen:jti:1", "r", Minute, End));
        Assert.False(await state.TryAddAsync("seen:jti:1", "r", Minute, End));
        Assert.Equal(1, await state.IncrementAsync("stream-failure:x", Minute, End));
        await state.PingAsync(End);
        await state.TimeAsync(End);
        await streams.EnsureGroupAsync("caracal.sessions.revoke", "g", fromBeginning: false, shared: false, End);
        var id = await streams.AppendAsync("caracal.sessions.revoke", [new("a", "b")], 100, End);
        Assert.Single(await streams.ReadAsync(["caracal.sessions.revoke"], "g", "c", 10, Minute, End));
        Assert.Single(await streams.ClaimAsync("caracal.sessions.revoke", "g", "c", TimeSpan.Zero, 10, End));
        await streams.AcknowledgeAsync("caracal.sessions.revoke", "g", id, End);
        await streams.RemoveGroupAsync("caracal.sessions.revoke", "g", End);
        Assert.Equal(1, redis.Figures.Connections - 1); // the shared connection, and one for the read that blocked
    }

    [Fact]
    public async Task Tls_is_spoken_with_a_server_we_trust_under_its_own_name_only()
    {
        using var authority = Authority();
        var folder = Directory.CreateTempSubdirectory("caracal-tls-");
        try
        {
            WriteCertificate(authority, folder.FullName);
            var tlsPort = RedisServer.FreePort();
            await using var own = await RedisServer.StartOwnAsync(
                "--tls-port", $"{tlsPort}", "--tls-auth-clients", "no",
                "--tls-cert-file", Path.Combine(folder.FullName, "server.crt"),
                "--tls-key-file", Path.Combine(folder.FullName, "server.key"));
            var plain = own.Options() with { Database = 0 };
            var secured = plain with { Port = tlsPort, UseTls = true, Host = "localhost" };

            Assert.Contains("certificate", await Unreachable(secured), StringComparison.Ordinal);
            using var stranger = Authority();
            Assert.Contains("certificate", await Unreachable(secured with { ExtraAuthorities = ExtraAuthorities.Of([stranger]) }), StringComparison.Ordinal);
            Assert.Contains("certificate", await Unreachable(secured with { ExtraAuthorities = ExtraAuthorities.Of([authority]), Host = "127.0.0.1" }), StringComparison.Ordinal);
            await Unreachable(secured with { ExtraAuthorities = ExtraAuthorities.Of([authority]), Port = own.Port });
            await Unreachable(plain with { Port = tlsPort });

            await using var redis = new RedisConnection(secured with { ExtraAuthorities = ExtraAuthorities.Of([authority]) });
            var text = new string('ü', 500_000);
            var state = new RedisState(redis);
            await state.SetAsync("k", text, Minute, End);
            Assert.Equal(text, await state.GetAsync("k", End));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public void Dispose() => _end.Dispose();

    private async Task<string> Unreachable(RedisOptions options)
    {
        await using var redis = new RedisConnection(options with { DialTimeout = TimeSpan.FromSeconds(1) });
        var fault = await Assert.ThrowsAsync<StreamsUnavailableException>(async () => await new RedisState(redis).PingAsync(End));
        return fault.Message;
    }

    private static async Task<string> Refused(Func<Task> call)
    {
        var fault = await Assert.ThrowsAsync<StreamsUnavailableException>(call);
        return Assert.IsType<RedisErrorException>(fault.InnerException).Code;
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Test authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
    }

    private static void WriteCertificate(X509Certificate2 authority, string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Path.Combine(folder, "server.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
