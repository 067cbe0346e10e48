using Caracal.Keys.Rings;

namespace Caracal.Streams.Consumers;

/// <summary>What a consumer reads and how (streams.md 6).</summary>
public sealed record StreamSubscription
{
    /// <summary>The topics, all read by the same group.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The group. A group of one instance carries the instance id in its name.</summary>
    public required string Group { get; init; }

    /// <summary>The consumer inside the group.</summary>
    public required string Consumer { get; init; }

    /// <summary>True when replicas divide the work; false when each must see everything.</summary>
    public bool Shared { get; init; }

    /// <summary>Keys that verify; null accepts everything, which only dev mode allows.</summary>
    public HmacKeyRing? Keys { get; init; }

    /// <summary>At most this many messages per read.</summary>
    public int BatchSize { get; init; } = 10;

    /// <summary>How long a read waits for the first message.</summary>
    public TimeSpan Block { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A message that was delivered this long ago without acknowledgement is tried again.</summary>
    public TimeSpan ClaimIdle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After this many failed tries a message is dead-lettered.</summary>
    public int MaximumFailures { get; init; } = 5;
}
