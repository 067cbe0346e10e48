using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Policies;

/// <summary>Log lines of policy loading.</summary>
internal static partial class PolicyLog
{
    [LoggerMessage(EventId = 2000, EventName = "policy_bundle_compiled", Level = LogLevel.Information,
        Message = "policy bundle recompiled for zone {ZoneId}: version {VersionId}, manifest {ManifestSha}")]
    public static partial void Recompiled(ILogger logger, string zoneId, string versionId, string manifestSha);

    [LoggerMessage(EventId = 2001, EventName = "policy_compile_failed", Level = LogLevel.Error,
        Message = "policy bundle for zone {ZoneId}, version {VersionId} was not loaded: {Reason}")]
    public static partial void LoadFailed(ILogger logger, string zoneId, string versionId, string reason);
}
