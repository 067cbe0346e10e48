namespace Caracal.Hosting;

/// <summary>This process among its replicas: <c>&lt;hostname&gt;-&lt;pid&gt;</c> (operations.md 4.2).</summary>
public static class ServiceInstance
{
    /// <summary>The instance id, part of the names of groups that one instance alone reads.</summary>
    public static string Id { get; } = $"{Environment.MachineName}-{Environment.ProcessId}";
}
