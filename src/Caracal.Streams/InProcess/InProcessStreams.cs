using System.Collections.Concurrent;
using Caracal.Protocol;

namespace Caracal.Streams.InProcess;

/// <summary>Topics in memory, for services that share a process. What must survive the process is kept by its producer until <see cref="SettledAsync"/>.</summary>
public sealed class InProcessStreams : IStreamTransport
{
    private readonly ConcurrentDictionary<string, InProcessTopic> _topics = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    /// <param name="time">The clock.</param>
    /// <param name="deadLetters">Folder of refused evidence, which nobody else keeps; without one it ends with the process.</param>
    public InProcessStreams(TimeProvider time, string? deadLetters = null)
    {
        _time = time;
        _topics[Topics.AuditDeadLetters] = new InProcessTopic(Topics.AuditDeadLetters, time, deadLetters is null ? null : new EntryFolder(deadLetters))
        {
            KeepsSettled = true,
        };
    }

    public Task<string> AppendAsync(
        string topic, IReadOnlyList<KeyValuePair<string, string>> fields, long? maximumLength, CancellationToken cancellationToken) =>
        Task.FromResult(Topic(topic).Append(fields, maximumLength));

    public Task SettledAsync(string topic, string id, CancellationToken cancellationToken) =>
        Topic(topic).SettledAsync(id, cancellationToken);

    public Task EnsureGroupAsync(string topic, string group, bool fromBeginning, bool shared, CancellationToken cancellationToken)
    {
        Topic(topic).EnsureGroup(group, fromBeginning, shared);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<StreamEntry>> ReadAsync(
        IReadOnlyList<string> topics, string group, string consumer, int count, TimeSpan block, CancellationToken cancellationToken)
    {
        var sources = new InProcessTopic[topics.Count];
        for (var i = 0; i < sources.Length; i++)
        {
            sources[i] = Topic(topics[i]);
        }

        var deadline = _time.GetTimestamp();
        while (true)
        {
            // Take the signals before looking, so that a message appended in between wakes us.
            var signals = Array.ConvertAll(sources, source => source.Appended);
            var entries = new List<StreamEntry>();
            foreach (var source in sources)
            {
                source.Take(group, count - entries.Count, entries);
            }

            var left = block - _time.GetElapsedTime(deadline);
            if (entries.Count > 0 || left <= TimeSpan.Zero)
            {
                return entries;
            }

            await WaitAsync(signals, left, cancellationToken);
        }
    }

    public Task<IReadOnlyList<StreamEntry>> ClaimAsync(
        string topic, string group, string consumer, TimeSpan idle, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Topic(topic).Claim(group, idle, count));

    public Task AcknowledgeAsync(string topic, string group, string id, CancellationToken cancellationToken)
    {
        Topic(topic).Acknowledge(group, id);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<StreamEntry>> RangeAsync(string topic, string? afterId, int count, CancellationToken cancellationToken) =>
        Task.FromResult(Topic(topic).Range(afterId, count));

    public Task DeleteAsync(string topic, string id, CancellationToken cancellationToken)
    {
        Topic(topic).Delete(id);
        return Task.CompletedTask;
    }

    public Task<long> LengthAsync(string topic, CancellationToken cancellationToken) => Task.FromResult(Topic(topic).Length);

    public Task<GroupBacklog> BacklogAsync(string topic, string group, CancellationToken cancellationToken) =>
        Task.FromResult(Topic(topic).Backlog(group));

    public Task RemoveGroupAsync(string topic, string group, CancellationToken cancellationToken)
    {
        Topic(topic).RemoveGroup(group);
        return Task.CompletedTask;
    }

    private static async Task WaitAsync(Task[] signals, TimeSpan left, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timeout = Task.Delay(left, ended.Token);
        await Task.WhenAny([.. signals, timeout]);
        await ended.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private InProcessTopic Topic(string name) =>
        _topics.GetOrAdd(name, static (n, clock) => new InProcessTopic(n, clock), _time);
}
