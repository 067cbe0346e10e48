using Microsoft.Extensions.Logging;

// SYSLIB1015: what a revocation names are fields of its line, where it names them.
#pragma warning disable SYSLIB1015

namespace Caracal.Sts.Consumers;

/// <summary>Log lines of what the STS hears.</summary>
internal static partial class ConsumerLog
{
    [LoggerMessage(EventId = 2030, EventName = "revocation_applied", Level = LogLevel.Information, Message = "revocation of {Topic} applied, entry {EntryId}")]
    public static partial void RevocationApplied(ILogger logger, string topic, string entryId, string zoneId, string? recordId, string? agentSessionId, string? delegationEdgeId);
}
