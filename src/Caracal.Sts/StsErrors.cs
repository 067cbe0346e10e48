using Caracal.Protocol;

namespace Caracal.Sts;

/// <summary>Every refusal the STS can answer (sts.md 1).</summary>
internal static class StsErrors
{
    public static readonly Refusal MethodNotAllowed = new(405, "invalid_token", "method not allowed");
    public static readonly Refusal QueryNotAllowed = new(400, "invalid_token", "query parameters are not allowed");
    public static readonly Refusal MediaType = new(415, "invalid_token", "content type must be application/x-www-form-urlencoded");
    public static readonly Refusal BodyTooLarge = new(413, "payload_too_large", "request body too large");
    public static readonly Refusal BadForm = new(400, "invalid_token", "malformed form body");
    public static readonly Refusal BadTtl = new(400, "invalid_token", "ttl_seconds must be an integer");
    public static readonly Refusal TtlOutOfRange = new(400, "invalid_token", "ttl_seconds out of range");
    public static readonly Refusal BadGatewaySignature = new(401, "access_denied", "invalid gateway exchange signature");
    public static readonly Refusal EmptyResource = new(400, "invalid_token", "resource must not be empty");
    public static readonly Refusal BadGrantType = new(400, "invalid_token", "unsupported grant_type");
    public static readonly Refusal BadSubjectTokenType = new(400, "invalid_token", "unsupported subject_token_type");
    public static readonly Refusal SubjectTokenIncomplete = new(400, "invalid_token", "subject_token and subject_token_type must be sent together");
    public static readonly Refusal ApprovalIdsDiffer = new(400, "invalid_token", "approval_id and challenge_id differ");
    public static readonly Refusal ZoneMissing = new(400, "invalid_token", "zone_id is required");
    public static readonly Refusal ApplicationMissing = new(400, "invalid_token", "application_id is required");
    public static readonly Refusal ResourceMissing = new(400, "invalid_token", "at least one resource is required");
    public static readonly Refusal BadClient = new(401, "access_denied", "invalid client credentials");
    public static readonly Refusal WrongZone = new(403, "zone_invalid");
    public static readonly Refusal ZoneArchived = new(403, "access_denied", "zone is archived");
    public static readonly Refusal ApplicationInactive = new(403, "access_denied", "application is not active");
    public static readonly Refusal RateLimited = new(429, "provider_rate_limited", "rate limit exceeded") { RetryAfterSeconds = 60 };
    public static readonly Refusal BadSubjectToken = new(401, "invalid_token", "invalid subject_token");
    public static readonly Refusal SubjectTokenRequired = new(401, "invalid_token", "subject_token is required");
    public static readonly Refusal MandateAlreadyUsed = new(401, "invalid_token", "subject_token was already exchanged");
    public static readonly Refusal SidMissing = new(403, "invalid_token", "subject_token has no sid");
    public static readonly Refusal RecordRefused = new(403, "access_denied", "authority record is not active or does not match");
    public const string DelegationScopeExceededReason = "delegation_scope_exceeded";
    public static readonly Refusal DelegationScopeExceeded = new(403, "access_denied", "policy denied (delegation_scope_exceeded)");
    public static readonly Refusal SessionRefused = new(403, "access_denied", "session or delegation is not active or does not match");
    public static readonly Refusal OperationNotPermitted = new(403, "operation_not_permitted", "operation not permitted");
    public static readonly Refusal ControlKeyRequired = new(403, "access_denied", "control resource requires a control key");
    public static readonly Refusal PolicyDenied = new(403, "access_denied", "policy denied");
    public static readonly Refusal PolicyIncomplete = new(403, "policy_eval_failed", "policy evaluation did not complete");
    public static readonly Refusal PolicyFailed = new(503, "policy_eval_failed", "policy evaluation failed");
    public static readonly Refusal PolicyRejected = new(422, "policy_eval_failed");
    public static readonly Refusal GatewayRequired = new(403, "access_denied", "resource exchanges must use the Gateway");
    public static readonly Refusal NoLifetime = new(403, "access_denied", "no lifetime is left for this authority");
    public static readonly Refusal AuthorityGone = new(403, "access_denied", "authority changed while the mandate was minted");
    public static readonly Refusal CredentialFailed = new(502, "http_request_failed", "upstream credential could not be obtained");
    public static readonly Refusal Unavailable = new(503, "sts_unavailable", "dependency unavailable") { RetryAfterSeconds = 1 };
    public static readonly Refusal ClockUnusable = new(503, "sts_unavailable", "database time unavailable") { RetryAfterSeconds = 1 };
    public static readonly Refusal ApprovalMismatch = new(401, "access_denied", "approval not found or bindings do not match");
    public static readonly Refusal ApprovalRejected = new(403, "access_denied", "approval was rejected");
    public static readonly Refusal ApprovalExpired = new(401, "access_denied", "approval expired");
    public static readonly Refusal ApprovalConsumed = new(409, "approval_consumed", "approval was already consumed");
    public static readonly Refusal ApprovalConflict = new(403, "access_denied", "approval requires separate operator and subject decisions");
    public static readonly Refusal ApprovalUnknown = new(404, "resource_not_found", "approval not found");
    public static readonly Refusal ApprovalThrottled = new(429, "provider_rate_limited", "too many failed approval attempts");
    public static readonly Refusal BadWait = new(400, "invalid_token", "wait must be a non-negative integer");
    public static readonly Refusal ApprovalRequired = new(401, "interaction_required", "Human approval required for this request");
    public static readonly Refusal JwksZoneMissing = new(400, "invalid_token", "zone_id is required");
    public static readonly Refusal ZoneUnknown = new(404, "resource_not_found", "zone not found");
    public static readonly Refusal NotFound = new(404, "resource_not_found", "not found");
    public static readonly Refusal NoUsableKey = new(500, "internal_error");
    public static readonly Refusal BadBearer = new(401, "access_denied", "invalid bearer token");
    public static readonly Refusal BadSignedCall = new(401, "access_denied", "invalid gateway signature");
    public static readonly Refusal BadJson = new(400, "invalid_token", "malformed request body");
    public static readonly Refusal InternalZoneMissing = new(400, "zone_invalid", "zone is required");
    public static readonly Refusal Internal = new(500, "internal_error");
}
