namespace Caracal.Sdk;

/// <summary>How a Session is started.</summary>
public record AgentSessionOptions
{
    public Authority Authority { get; init; } = Authority.Inherit;

    /// <summary>1 to 86,400; null takes the client's default. Block Sessions only.</summary>
    public int? TtlSeconds { get; init; }

    /// <summary>What the agent is about, for people; becomes <c>metadata.task</c>.</summary>
    public string? Task { get; init; }

    /// <summary>At most 32; select the roles the policy gives.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Starts under this Session; must be the bound one when one is bound.</summary>
    public string? ParentId { get; init; }

    /// <summary>Anchors the Session to a person's authority record; children of such a Session take it over.</summary>
    public FederatedSubject? Subject { get; init; }

    /// <summary>Makes a repeated start the same start; null makes a random one.</summary>
    public string? IdempotencyKey { get; init; }
}

/// <summary>How a long-lived Session is started and kept.</summary>
public sealed record ServiceSessionOptions : AgentSessionOptions
{
    /// <summary>Fixed time between heartbeats; null beats at a third of the lease.</summary>
    public TimeSpan? HeartbeatInterval { get; init; }

    /// <summary>False leaves every heartbeat to the caller.</summary>
    public bool AutoHeartbeat { get; init; } = true;
}
