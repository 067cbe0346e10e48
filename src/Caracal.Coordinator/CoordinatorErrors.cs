using Caracal.Protocol;

namespace Caracal.Coordinator;

/// <summary>
/// Every refusal of the Coordinator's edge. Those of a room stand beside its rules: <c>SessionRefusals</c>,
/// <c>LeaseRefusals</c>, <c>DelegationRefusals</c>, <c>IdempotencyRefusals</c>.
/// </summary>
public static class CoordinatorErrors
{
    public static readonly Refusal MissingToken = new(401, "missing_token", "Send Authorization: Bearer with a token of 1 to 4096 characters.");
    public static readonly Refusal InvalidToken = new(401, "invalid_token", "The token is not a valid lifecycle mandate.");
    public static readonly Refusal Unauthorized = new(401, "unauthorized", "The token may not read metrics.");
    public static readonly Refusal OperatorTokenRequired = new(403, "operator_token_required", "Statistics need the operator token or the metrics bearer.");
    public static readonly Refusal MissingScope = new(403, "missing_scope", "The token lacks the Coordinator's scope.");
    public static readonly Refusal ZoneMismatch = new(403, "zone_mismatch", "The token belongs to another zone.");
    public static readonly Refusal IdentityRevoked = new(401, "identity_revoked", "The token's application or authority record is no longer valid.");
    public static readonly Refusal CoordinatorAdminRequired = new(403, "coordinator_admin_required", "This needs the scope coordinator.admin.");
    public static readonly Refusal InvalidParams = new(400, "invalid_params", "A path id has 1 to 128 characters of A-Z a-z 0-9 _ . - :");
    public static readonly Refusal InvalidQuery = new(400, "invalid_query", "A query parameter has a value that is not allowed.");
    public static readonly Refusal InvalidCursor = new(400, "invalid_cursor", "The cursor names nothing in this list.");
    public static readonly Refusal InvalidBody = new(400, "invalid_body", "Request body failed validation");
    public static readonly Refusal InvalidRequest = new(400, "invalid_request", "The body is not valid JSON.");
    public static readonly Refusal UnsupportedMediaType = new(415, "unsupported_media_type", "Send application/json.");
    public static readonly Refusal PayloadTooLarge = new(413, "payload_too_large", "The body is larger than allowed.");
    public static readonly Refusal RequestTimeout = new(408, "request_timeout", "The body did not arrive in time.");
    public static readonly Refusal RateLimited = new(429, "rate_limited", "Too many requests in this minute.");
    public static readonly Refusal NotFound = new(404, "Not Found");
    public static readonly Refusal DeadOutboxNotFound = new(404, "dead_outbox_not_found", "There is no such dead message in this zone.");
    public static readonly Refusal ClockUnusable = new(503, "clock_unusable", "The database's clock and ours differ too much; no authority is handed out.") { RetryAfterSeconds = 10 };
    public static readonly Refusal AuditUnavailable = new(500, "audit_unavailable", "The change was not made: its audit record could not be written.");
    public static readonly Refusal InternalError = new(500, "internal_error", "Something went wrong on our side.");
}
