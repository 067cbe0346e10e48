using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using Caracal.Audit.Checkpoints;
using Caracal.Audit.Feeds;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Settings;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests.Witnesses;

public sealed class TimeStampingTests
{
    [Fact]
    public async Task A_checkpoint_gets_a_time_stamp_that_OpenSSL_verifies()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.Event("e1"), Vectors.Event("e2"));
        var checkpoint = await audit.CheckpointAsync();
        using var http = new FeedHttp();
        var stamping = Stamping(audit, authority, http);
        await stamping.RunAsync(default);

        // Within the interval the next checkpoint waits.
        await audit.ShipAsync(Vectors.Event("e3"));
        await audit.CheckpointAsync();
        await stamping.RunAsync(default);
        await audit.ListenAsync();

        using var answer = await audit.GetAsync("/api/audit/checkpoint/timestamp?zone_id=z1", AuditHarness.AdminToken);
        Assert.Equal((HttpStatusCode.OK, "2"), (answer.StatusCode, answer.Headers.GetValues("X-Caracal-Tree-Size").Single()));
        var token = await answer.Content.ReadAsByteArrayAsync();
        var text = SignedNote.Parse(checkpoint.Note)!.Text;
        Assert.Contains("Verification: OK", await authority.VerifyAsync(token, text), StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => authority.VerifyAsync(token, text.Replace("\n2\n", "\n3\n", StringComparison.Ordinal)));

        using var none = await audit.GetAsync("/api/audit/checkpoint/timestamp?zone_id=z1&size=3", AuditHarness.AdminToken);
        using var stranger = await audit.GetAsync("/api/audit/checkpoint/timestamp?zone_id=z1");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Unauthorized), (none.StatusCode, stranger.StatusCode));
    }

    [Fact]
    public async Task A_time_stamp_of_something_else_is_not_kept()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var audit = await AuditHarness.CreateAsync();
        using var http = new FeedHttp();
        await audit.ShipAsync(Vectors.Event("e1"));
        await audit.CheckpointAsync();
        await Stamping(audit, authority, http).RunAsync(default);
        authority.AnswersAnother = true;
        await audit.ShipAsync(Vectors.Event("e2"));
        await audit.CheckpointAsync();
        await Stamping(audit, authority, http).RunAsync(default);

        Assert.Empty(await new CheckpointStore(audit.Database).ProofsAsync("z1", 2, default));
        Assert.Contains("cosignature_missing", audit.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_stamp_of_a_foreign_signer_or_of_another_time_is_not_kept()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var stranger = await StandInAuthority.StartAsync();
        await using var audit = await AuditHarness.CreateAsync();
        using var http = new FeedHttp();
        await audit.ShipAsync(Vectors.Event("e1"));
        var checkpoint = await audit.CheckpointAsync();
        await Stamping(audit, stranger, http, authority).RunAsync(default);
        Assert.Empty(await new CheckpointStore(audit.Database).ProofsAsync("z1", 1, default));
        Assert.Contains("does not vouch for its signer", audit.Log, StringComparison.Ordinal);

        await Stamping(audit, authority, http).RunAsync(default);
        var proof = Assert.Single(await new CheckpointStore(audit.Database).ProofsAsync("z1", 1, default));
        Assert.True(Rfc3161TimestampToken.TryDecode(Convert.FromBase64String(proof.Body), out var token, out _));
        Assert.True(token.VerifySignatureForData(System.Text.Encoding.UTF8.GetBytes(SignedNote.Parse(checkpoint.Note)!.Text), out var signer));
        var trusted = Authorities(authority);
        Assert.Null(TimeStampTrust.Refuse(token, signer, trusted, audit.Clock.Now));
        Assert.NotNull(TimeStampTrust.Refuse(token, signer, trusted, audit.Clock.Now.AddMinutes(10)));
        Assert.NotNull(TimeStampTrust.Refuse(token, signer, trusted, audit.Clock.Now.AddMinutes(-10)));
        Assert.NotNull(TimeStampTrust.Refuse(token, signer, Authorities(stranger), audit.Clock.Now));
    }

    [Fact]
    public void A_root_vouches_for_signers_of_time_stamps_it_issued_and_for_nobody_else()
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        using var other = new CertificateRequest("CN=root", ECDsa.Create(), HashAlgorithmName.SHA256) { CertificateExtensions = { new X509BasicConstraintsExtension(true, false, 0, true) } }.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        using var stamps = Issue("1.3.6.1.5.5.7.3.8");
        using var server = Issue("1.3.6.1.5.5.7.3.1");
        Assert.True(TimeStampTrust.IsVouchedFor(stamps, [], [root], now));
        Assert.False(TimeStampTrust.IsVouchedFor(stamps, [], [other], now));
        Assert.False(TimeStampTrust.IsVouchedFor(server, [], [root], now));
        Assert.False(TimeStampTrust.IsVouchedFor(stamps, [], [root], now.AddDays(9)));

        X509Certificate2 Issue(string usage)
        {
            var leaf = new CertificateRequest("CN=signer", key, HashAlgorithmName.SHA256);
            leaf.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], true));
            return leaf.Create(root, now.AddHours(-1), now.AddDays(1), [1, 2, 3]);
        }
    }

    [Theory]
    [InlineData("stable", true)]
    [InlineData("dev", false)]
    public void An_authority_that_nobody_vouches_for_is_refused_outside_dev(string mode, bool isRefused)
    {
        var reader = new SettingsReader(new Dictionary<string, string?> { ["CARACAL_MODE"] = mode, ["AUDIT_TIMESTAMP_URL"] = "https://tsa.example/" }, "audit");
        CheckpointSettings.Read(reader);
        Assert.Equal(isRefused, reader.Faults.Any(fault => fault.Contains("AUDIT_TIMESTAMP_CA_FILE", StringComparison.Ordinal)));
        Assert.Equal(!isRefused, reader.Warnings.Any(warning => warning.Contains("AUDIT_TIMESTAMP_CA_FILE", StringComparison.Ordinal)));
    }

    private static X509Certificate2Collection Authorities(StandInAuthority authority)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(authority.Certificate);
        return authorities;
    }

    private static TimeStamping Stamping(AuditHarness audit, StandInAuthority authority, FeedHttp http, StandInAuthority? trusted = null) => new(
        new CheckpointStore(audit.Database), audit.Settings.Checkpoints with { TimeStampUrl = authority.Url, TimeStampAuthorities = Authorities(trusted ?? authority) }, http,
        new AuditMetrics(new MetricsRegistry()), audit.Clock, audit.Logging.CreateLogger("audit"));
}
