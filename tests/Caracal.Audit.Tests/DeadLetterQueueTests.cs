using Caracal.Audit.DeadLetters;
using Caracal.Audit.Ingest;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Streams.InProcess;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Audit.Tests;

public sealed class DeadLetterQueueTests
{
    [Fact]
    public async Task A_dead_letter_stays_until_somebody_has_stored_what_was_replayed()
    {
        var streams = new InProcessStreams(TimeProvider.System);
        await streams.EnsureGroupAsync(Topics.AuditEvents, AuditConsumer.Group, fromBeginning: true, shared: true, default);
        var queue = new DeadLetterQueue(streams, null, Vectors.Keys, new AuditMetrics(new MetricsRegistry()), TimeProvider.System, NullLogger.Instance);
        await streams.AppendAsync(
            Topics.AuditDeadLetters, [new("reason", "transient_exceeded_max_deliveries:x"), new("src_data", Vectors.A), new("src_sig", Vectors.SignatureA)], null, default);

        var replaying = queue.ReplayAsync(10, default);
        var replayed = Assert.Single(await streams.ReadAsync([Topics.AuditEvents], AuditConsumer.Group, "c", 10, TimeSpan.FromSeconds(5), default));
        Assert.Equal(1, await queue.LengthAsync(default));
        Assert.False(replaying.IsCompleted);

        await streams.AcknowledgeAsync(Topics.AuditEvents, AuditConsumer.Group, replayed.Id, default);
        Assert.Equal((1, 1), await replaying);
        Assert.Equal(0, await queue.LengthAsync(default));
    }
}
