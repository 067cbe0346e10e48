using Caracal.Storage.Workloads;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Workloads;

/// <summary>What <c>caracal run</c> calls, made together because both begin with the workload's secret.</summary>
internal sealed record RunEndpoints(FetchManifest Manifest, InjectCredential Credential)
{
    public static RunEndpoints Create(ExchangeParts parts, StsDependencies on)
    {
        var audit = new LaunchAudit(on.Audit);
        var workloads = new WorkloadAuthentication(parts, new LaunchStore(on.Database), audit);
        return new RunEndpoints(
            new FetchManifest(parts, workloads, audit),
            new InjectCredential(parts, workloads, new WorkloadApprovals(parts, audit), new WorkloadCredentials(parts, audit), audit));
    }
}
