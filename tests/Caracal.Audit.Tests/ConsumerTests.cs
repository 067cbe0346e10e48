using Caracal.Streams;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests;

public sealed class ConsumerTests
{
    [Fact]
    public async Task Whatever_ingest_fails_with_it_says_so_and_goes_on()
    {
        await using var audit = await AuditHarness.CreateAsync();
        using var state = new InProcessState(TimeProvider.System);
        var streams = new FailingStreams(audit.Streams);
        await using var service = new AuditService(audit.Settings, audit.Database, audit.Clock, streams, state, audit.Logging.CreateLogger("audit"));
        await service.StartAsync(default);
        await streams.Failed.WaitAsync(TimeSpan.FromSeconds(10));

        await audit.PublishEventAsync(Vectors.A, Vectors.SignatureA);

        Assert.Single(await audit.RowsAsync());
        Assert.Contains("audit_ingest_unhealthy", audit.Log, StringComparison.Ordinal);
        await service.StopAsync();
    }

    /// <summary>Streams whose first read fails with something that nobody expects.</summary>
    private sealed class FailingStreams(InProcessStreams streams) : IStreamTransport
    {
        private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Failed => _failed.Task;

        public Task<IReadOnlyList<StreamEntry>> ReadAsync(
            IReadOnlyList<string> topics, string group, string consumer, int count, TimeSpan block, CancellationToken cancellationToken) =>
            _failed.TrySetResult()
                ? throw new InvalidOperationException("unexpected")
                : streams.ReadAsync(topics, group, consumer, count, block, cancellationToken);

        public Task<string> AppendAsync(
            string topic, IReadOnlyList<KeyValuePair<string, string>> fields, long? maximumLength, CancellationToken cancellationToken) =>
            streams.AppendAsync(topic, fields, maximumLength, cancellationToken);

        public Task SettledAsync(string topic, string id, CancellationToken cancellationToken) => streams.SettledAsync(topic, id, cancellationToken);

        public Task EnsureGroupAsync(string topic, string group, bool fromBeginning, bool shared, CancellationToken cancellationToken) =>
            streams.EnsureGroupAsync(topic, group, fromBeginning, shared, cancellationToken);

        public Task<IReadOnlyList<StreamEntry>> ClaimAsync(
            string topic, string group, string consumer, TimeSpan idle, int count, CancellationToken cancellationToken) =>
            streams.ClaimAsync(topic, group, consumer, idle, count, cancellationToken);

        public Task AcknowledgeAsync(string topic, string group, string id, CancellationToken cancellationToken) =>
            streams.AcknowledgeAsync(topic, group, id, cancellationToken);

        public Task<IReadOnlyList<StreamEntry>> RangeAsync(string topic, string? afterId, int count, CancellationToken cancellationToken) =>
            streams.RangeAsync(topic, afterId, count, cancellationToken);

        public Task DeleteAsync(string topic, string id, CancellationToken cancellationToken) => streams.DeleteAsync(topic, id, cancellationToken);

        public Task<long> LengthAsync(string topic, CancellationToken cancellationToken) => streams.LengthAsync(topic, cancellationToken);

        public Task<GroupBacklog> BacklogAsync(string topic, string group, CancellationToken cancellationToken) =>
            streams.BacklogAsync(topic, group, cancellationToken);

        public Task RemoveGroupAsync(string topic, string group, CancellationToken cancellationToken) =>
            streams.RemoveGroupAsync(topic, group, cancellationToken);
    }
}
