namespace Caracal.Authority.AgentServices;

/// <summary>An endpoint an application offers to agents; its row is also its wire form (coordinator.md 7).</summary>
public sealed record AgentService
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ApplicationId { get; init; } = "";
    public string EndpointUrl { get; init; } = "";
    public string[] ProtocolVersions { get; init; } = [];
    public string? FrameworkName { get; init; }
    public string? FrameworkVersion { get; init; }
    public string[] Capabilities { get; init; } = [];
    public string Health { get; init; } = ServiceHealth.Starting;
    public string MetadataJson { get; init; } = "{}";
    public DateTimeOffset? LastHeartbeatAt { get; init; }
}

/// <summary>How a registered service says it is.</summary>
public static class ServiceHealth
{
    public const string Starting = "starting";
    public const string Healthy = "healthy";
    public const string Degraded = "degraded";
    public const string Unhealthy = "unhealthy";
}
