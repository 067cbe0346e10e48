using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator;

/// <summary>The Coordinator's log lines (coordinator.md 16). No line ever holds an idempotency key or a token.</summary>
internal static partial class CoordinatorLog
{
    [LoggerMessage(EventId = 4000, EventName = "jwt_verify_failed", Level = LogLevel.Warning, Message = "bearer refused: {ErrorClass}")]
    public static partial void JwtVerifyFailed(ILogger logger, string errorClass);

    [LoggerMessage(EventId = 4001, EventName = "jwt_zone_claim_mismatch", Level = LogLevel.Warning, Message = "bearer of another zone")]
    public static partial void ZoneClaimMismatch(ILogger logger);

    [LoggerMessage(EventId = 4002, EventName = "subject_proof_verify_failed", Level = LogLevel.Warning, Message = "subject token refused: {ErrorClass}")]
    public static partial void SubjectProofFailed(ILogger logger, string errorClass);

    [LoggerMessage(EventId = 4003, EventName = "token_verification_failed", Level = LogLevel.Information, Message = "verify refused a token: {ErrorClass}")]
    public static partial void TokenVerificationFailed(ILogger logger, string errorClass);

    [LoggerMessage(EventId = 4004, EventName = "admin_audit_failed", Level = LogLevel.Error, Message = "an admin audit row for request {RequestId} could not be written")]
    public static partial void AuditFailed(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 4005, EventName = "lifecycle_event", Level = LogLevel.Information, Message = "{Lifecycle} of session {SessionId} in zone {Zone}")]
    public static partial void Lifecycle(ILogger logger, string lifecycle, string sessionId, string zone);

    [LoggerMessage(EventId = 4009, EventName = "unhandled_fault", Level = LogLevel.Error, Message = "unhandled error, request {RequestId}")]
    public static partial void Unhandled(ILogger logger, Exception fault, string requestId);

    [LoggerMessage(EventId = 4010, EventName = "unsigned_streams", Level = LogLevel.Warning, Message = "STREAMS_HMAC_KEY not set; stream messages will not be origin-verified")]
    public static partial void UnsignedStreams(ILogger logger);

    [LoggerMessage(EventId = 4011, EventName = "unsigned_admin_audit", Level = LogLevel.Warning, Message = "AUDIT_HMAC_KEY not set; admin audit links carry no signature")]
    public static partial void UnsignedAudit(ILogger logger);

    [LoggerMessage(EventId = 4012, EventName = "jwks_unavailable", Level = LogLevel.Warning, Message = "JWKS of a zone cannot be fetched now: {Cause}")]
    public static partial void KeysUnavailable(ILogger logger, string cause);
}
