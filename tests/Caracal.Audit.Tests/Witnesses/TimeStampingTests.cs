using System.Net;
using Caracal.Audit.Feeds;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Metrics;
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

    private static TimeStamping Stamping(AuditHarness audit, StandInAuthority authority, FeedHttp http) => new(
        new CheckpointStore(audit.Database), audit.Settings.Checkpoints with { TimeStampUrl = authority.Url }, http,
        new AuditMetrics(new MetricsRegistry()), audit.Clock, audit.Logging.CreateLogger("audit"));
}
