using System.Collections.Concurrent;
using Caracal.Hosting;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Stores;

/// <summary>
/// What a role does for the topics while it runs: measures how far its own groups are behind, keeps the topics it is
/// responsible for short without cutting what somebody still has to read, and sweeps the groups of instances that are
/// gone (streams.md 9, operations.md 8).
/// </summary>
internal sealed class StreamCare(string role, bool isPublished, RedisConnection redis, MetricsRegistry metrics, TimeProvider time, ILogger logger)
{
    private const long KeptMessages = 100_000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AuditReaderLife = TimeSpan.FromHours(72);
    private static readonly TimeSpan ReaderLife = TimeSpan.FromHours(1);

    private static readonly string[] Invalidations =
        [Topics.SessionsRevoke, Topics.PolicyInvalidate, Topics.KeysInvalidate, Topics.AgentsLifecycle, Topics.DelegationsInvalidate];

    private readonly RedisTopics _topics = new(redis);
    private readonly ConcurrentDictionary<string, double> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _notWaitedFor = new(StringComparer.Ordinal);

    /// <summary>Runs until cancelled; a look that fails is taken again at its next time.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await WarnOfEvictionAsync(cancellationToken);
        var tidied = time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await MeasureAsync(cancellationToken);
                if (time.GetElapsedTime(tidied) >= TidyInterval)
                {
                    tidied = time.GetTimestamp();
                    await TidyAsync(cancellationToken);
                }
            }
            catch (StreamsUnavailableException fault)
            {
                StackLog.StreamsUnmeasured(logger, role, fault.Message);
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private IReadOnlyList<string> Read => role switch
    {
        StackRoles.Audit => [Topics.AuditEvents],
        StackRoles.Sts => Invalidations,
        StackRoles.Gateway => [Topics.SessionsRevoke, Topics.AgentsLifecycle, Topics.KeysInvalidate],
        StackRoles.Coordinator => [Topics.AgentsLifecycle, Topics.KeysInvalidate],
        StackRoles.Api => [Topics.KeysInvalidate], // its own group is there while Control is on
        _ => [],
    };

    private IReadOnlyList<string> DeadLetters => role switch
    {
        StackRoles.Audit => [Topics.AuditDeadLetters],
        StackRoles.Sts => [.. Invalidations.Select(Topics.Dead)],
        _ => [.. Read.Select(Topics.Dead)],
    };

    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var topic in Read)
        {
            foreach (var group in (await _topics.GroupsAsync(topic, cancellationToken)).Where(IsOurs))
            {
                var labels = $"{{stream=\"{topic}\",group=\"{group.Name}\"}}";
                Set("caracal_stream_lag_seconds" + labels, group.Lag(now).TotalSeconds);
                Set("caracal_stream_pending" + labels, group.Pending);
            }
        }

        foreach (var dead in DeadLetters)
        {
            Set($"caracal_dead_letters{{stream=\"{dead}\"}}", await _topics.LengthAsync(dead, cancellationToken));
        }
    }

    // Groups of other instances are theirs to tell about; a group of one of them carries its id.
    private bool IsOurs(GroupState group) =>
        group.Name.Contains(':', StringComparison.Ordinal)
            ? group.Name.EndsWith(":" + ServiceInstance.Id, StringComparison.Ordinal) && group.Name.StartsWith(Prefix, StringComparison.Ordinal)
            : group.Name is "audit-ingestor" or "sts-revocation" or "coordinator-relay";

    private string Prefix => role == StackRoles.Sts ? "" : role + "-";

    private async Task TidyAsync(CancellationToken cancellationToken)
    {
        if (role == StackRoles.Audit)
        {
            foreach (var group in await _topics.TrimReadAsync(Topics.AuditEvents, AuditReaderLife, cancellationToken))
            {
                if (_notWaitedFor.Add(group)) StackLog.GroupNotWaitedFor(logger, Topics.AuditEvents, group);
            }
        }

        if (role == StackRoles.Coordinator)
        {
            await _topics.TrimAsync(Topics.SessionsRevoke, KeptMessages, ReaderLife, cancellationToken);
            foreach (var topic in Invalidations)
            {
                foreach (var group in await _topics.RemoveAbandonedAsync(topic, ReaderLife, cancellationToken))
                {
                    StackLog.GroupSwept(logger, topic, group);
                }
            }
        }
    }

    private async Task WarnOfEvictionAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Read.Count > 0 && await _topics.EvictionPolicyAsync(cancellationToken) is { } policy and not "noeviction")
            {
                StackLog.EvictionUnsafe(logger, isPublished ? LogLevel.Error : LogLevel.Warning, policy);
            }
        }
        catch (StreamsUnavailableException fault)
        {
            StackLog.StreamsUnmeasured(logger, role, fault.Message);
        }
    }

    private void Set(string series, double value)
    {
        if (_values.TryAdd(series, value))
        {
            metrics.Gauge(series, () => _values[series]);
        }

        _values[series] = value;
    }
}
