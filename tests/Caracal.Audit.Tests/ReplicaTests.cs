using Caracal.Audit.Feeds;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Caracal.TestKit;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class ReplicaTests
{
    private const int Events = 1200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Of_two_replicas_one_sweeps_and_one_tells_each_event_once()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("caracal-feed-").FullName, "events.jsonl");
        await using var audit = await AuditHarness.CreateAsync(Engine.Postgres, settings => settings with { Feeds = new FeedSettings { File = file } });
        using var state = new InProcessState(TimeProvider.System);
        await using var other = new AuditService(
            audit.Settings, audit.Database, audit.Clock, new InProcessStreams(TimeProvider.System), state, audit.Logging.CreateLogger("audit"));
        await audit.ListenAsync();
        await other.StartAsync(default);
        await audit.ShipAsync([.. Enumerable.Range(0, Events).Select(i => Vectors.Event($"e{i}"))]);

        using var limit = new CancellationTokenSource(Patience);
        while (!File.Exists(file) || (await File.ReadAllLinesAsync(file, limit.Token)).Length < Events) await Task.Delay(50, limit.Token);

        // As long again as every feed needs for another run.
        await Task.Delay(2 * LedgerFeed.Interval);
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal((Events, Events), (lines.Length, lines.Distinct().Count()));
        while (!audit.Log.Contains("tamper sweep complete", StringComparison.Ordinal)) await Task.Delay(50, limit.Token);
        Assert.Single(audit.Log.Split('\n'), line => line.Contains("tamper sweep complete", StringComparison.Ordinal));
        await other.StopAsync();
    }
}
