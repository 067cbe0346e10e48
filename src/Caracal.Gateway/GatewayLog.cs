using Microsoft.Extensions.Logging;

// SYSLIB1015: what a revocation names are fields of its line, where it names them.
#pragma warning disable SYSLIB1015

namespace Caracal.Gateway;

/// <summary>The Gateway's log lines (gateway.md A13) besides those of one request, which are <see cref="Pipeline.CallLog"/>'s.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(EventId = 3002, EventName = "audit_events_lost", Level = LogLevel.Error, Message = "audit events lost: stream and disk persistence both failed, request {RequestId}")]
    public static partial void EvidenceLost(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 3003, EventName = "replay_fail_open", Level = LogLevel.Warning, Message = "replay store unavailable; JTI_FAIL_OPEN lets request {RequestId} through")]
    public static partial void FailedOpen(ILogger logger, string requestId);

    [LoggerMessage(EventId = 3004, EventName = "sts_circuit_open", Level = LogLevel.Warning, Message = "STS circuit open for {Seconds} s")]
    public static partial void CircuitOpened(ILogger logger, int seconds);

    [LoggerMessage(EventId = 3005, EventName = "revocation_reload_failed", Level = LogLevel.Error, Message = "revocation snapshot failed; the state is {AgeSeconds} s old")]
    public static partial void SnapshotFailed(ILogger logger, Exception fault, long ageSeconds);

    [LoggerMessage(EventId = 3010, EventName = "revocation_applied", Level = LogLevel.Information, Message = "revocation of {Topic} applied, entry {EntryId}")]
    public static partial void RevocationApplied(
        ILogger logger, string topic, string entryId, string? zoneId, string? recordId, string? agentSessionId, IReadOnlyList<string> delegationEdgeIds);

    [LoggerMessage(EventId = 3006, EventName = "jwks_unavailable", Level = LogLevel.Warning, Message = "JWKS of a zone cannot be fetched now: {Cause}")]
    public static partial void JwksUnavailable(ILogger logger, string cause);

    [LoggerMessage(EventId = 3008, EventName = "budget_refund_lost", Level = LogLevel.Warning, Message = "a use of a delegation's budget could not be given back, request {RequestId}")]
    public static partial void RefundLost(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 3009, EventName = "credential_uncounted", Level = LogLevel.Warning, Message = "the upstream's answer to a new credential was not counted, request {RequestId}")]
    public static partial void CredentialUncounted(ILogger logger, Exception fault, string requestId);
}
