using Caracal.Protocol;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>Makes the topics and the groups that no instance makes for itself; as often as one likes (streams.md 2).</summary>
public sealed class RedisProvisioning(RedisStreams streams)
{
    private const string RateLimits = "caracal.providers.ratelimit";

    // Groups of the audit stream start at its beginning: evidence that is already there must not be skipped.
    private static readonly (string Topic, string Group, bool FromBeginning)[] Groups =
    [
        (Topics.AuditEvents, "audit-ingestor", true),
        (Topics.AuditEvents, "siem-export", true),
        (Topics.AuditDeadLetters, "audit-dlq-observer", false),
        (Topics.SessionsRevoke, "sts-revocation", false),
        (Topics.AgentsLifecycle, "coordinator-relay", false),
        (Topics.InvocationsLifecycle, "invocations-observer", false),
        (Topics.DelegationsInvalidate, "delegations-observer", false),
    ];

    // Above the bound itself: trimming is approximate.
    private static readonly (string Topic, long WarnAbove)[] Lengths =
    [
        (Topics.AuditEvents, 1_000_000),
        (Topics.AuditDeadLetters, 100_000),
        (Topics.PolicyInvalidate, 110_000),
        (Topics.SessionsRevoke, 110_000),
        (Topics.KeysInvalidate, 110_000),
        (Topics.AgentsLifecycle, 110_000),
        (Topics.InvocationsLifecycle, 110_000),
        (Topics.DelegationsInvalidate, 110_000),
    ];

    /// <summary>Every group that work is shared in, with its topic.</summary>
    internal static IEnumerable<(string Topic, string Group)> SharedGroups => Groups.Select(group => (group.Topic, group.Group));

    /// <summary>Returns the topics that are longer than they should be, with their lengths: a warning each, and no more than that.</summary>
    public async Task<IReadOnlyList<(string Topic, long Length)>> RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (topic, group, fromBeginning) in Groups)
        {
            await streams.EnsureGroupAsync(topic, group, fromBeginning, shared: true, cancellationToken);
        }

        if (await streams.LengthAsync(RateLimits, cancellationToken) == 0)
        {
            await streams.AppendAsync(RateLimits, [new("init", "1")], 1, cancellationToken);
        }

        var tooLong = new List<(string, long)>();
        foreach (var (topic, warnAbove) in Lengths)
        {
            var length = await streams.LengthAsync(topic, cancellationToken);
            if (length > warnAbove)
            {
                tooLong.Add((topic, length));
            }
        }

        return tooLong;
    }
}
