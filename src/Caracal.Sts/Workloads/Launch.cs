using Caracal.Authority.TokenExchange;
using Caracal.Authority.Workloads;
using Caracal.Storage.Approvals;
using Caracal.Storage.Workloads;
using Caracal.Sts.Zones;

namespace Caracal.Sts.Workloads;

/// <summary>One call of an authenticated workload, with what its steps found. Belongs to one request.</summary>
internal sealed class Launch(LaunchableWorkload workload, string requestId, string? launchId)
{
    public LaunchableWorkload Workload { get; } = workload;
    public string RequestId { get; } = requestId;

    /// <summary>Ties the calls of one launch together in the ledger; null when the caller sent none that is a UUID.</summary>
    public string? LaunchId { get; } = launchId;

    public string ZoneId => Workload.ZoneId;

    /// <summary>Database time, taken once.</summary>
    public DateTimeOffset Now { get; set; }
    public ZoneState? Zone { get; set; }
    public WorkloadBinding? Binding { get; set; }
    public ExchangeResource? Resource { get; set; }

    /// <summary>The approval this call will spend.</summary>
    public Hold? Approval { get; set; }
}
