using Caracal.Protocol;

namespace Caracal.Gateway;

/// <summary>Every refusal the Gateway answers on its own account (gateway.md A3, A8, A9); those of the STS pass through.</summary>
public static class GatewayErrors
{
    private const string InvalidToken = "invalid_token";
    private const string StsDown = "sts_unavailable";
    private const string Internal = "internal_error";

    public static readonly Refusal RevocationStale = new(503, StsDown, "revocation state unavailable");
    public static readonly Refusal BearerMissing = new(401, InvalidToken, "missing bearer token");
    public static readonly Refusal BearerTooLarge = new(401, InvalidToken, "bearer token too large");
    public static readonly Refusal BearerMalformed = new(401, InvalidToken, "malformed bearer token");
    public static readonly Refusal BearerExpiring =
        new(401, "credential_expired_not_renewable", "credential expiring within pre-flight window");

    public static readonly Refusal ClientHeaderPresent = new(400, InvalidToken, "client identity derives from the bearer token");
    public static readonly Refusal ResourceMissing = new(400, InvalidToken, "missing routing headers");
    public static readonly Refusal ZoneMissing = new(401, InvalidToken, "missing token zone");
    public static readonly Refusal ClientMissing = new(401, InvalidToken, "missing token client");
    public static readonly Refusal PathTraversal = new(400, InvalidToken, "path traversal not permitted");
    public static readonly Refusal SignatureInvalid = new(401, InvalidToken, "bearer signature invalid");
    public static readonly Refusal NotAGatewayMandate = new(401, InvalidToken, "invalid subject_token");
    public static readonly Refusal BodyTooLarge = new(413, "payload_too_large", "request body too large");
    public static readonly Refusal McpMessageInvalid = new(400, "mcp_message_invalid", "not one plain JSON-RPC message");
    public static readonly Refusal McpHeaderMismatch = new(400, "mcp_header_mismatch", "the MCP headers do not say what the body says");
    public static readonly Refusal McpBodyLate = new(408, "request_timeout", "the body did not arrive in time");
    public static readonly Refusal McpMessagesFull = new(503, "mcp_messages_full", "too many MCP messages are held") { RetryAfterSeconds = 1 };
    public static readonly Refusal Replayed = new(401, InvalidToken, "token replay detected");
    public static readonly Refusal ReplayStoreDown = new(503, StsDown, "replay store unavailable") { RetryAfterSeconds = 1 };
    public static readonly Refusal Revoked = new(401, InvalidToken, "session revoked");
    public static readonly Refusal CircuitOpen = new(503, StsDown, "sts unavailable");
    public static readonly Refusal UpstreamNotConfigured = new(403, "access_denied", "resource upstream not configured");
    public static readonly Refusal StsResponseInvalid = new(502, StsDown, "sts response invalid");
    public static readonly Refusal StsTimeout = new(504, StsDown, "sts timeout");
    public static readonly Refusal StsCancelled = new(499, StsDown, "client cancelled");
    public static readonly Refusal StsUnreachable = new(502, StsDown, "sts unavailable");
    public static readonly Refusal UpstreamNotAddressable = new(502, Internal, "upstream not addressable");
    public static readonly Refusal ProviderHostNotAllowed = new(502, Internal, "provider credential not allowed for upstream host");
    public static readonly Refusal ProviderCredentialMissing = new(502, Internal, "provider credential missing");
    public static readonly Refusal BuildFailed = new(400, Internal, "upstream request build failed");
    public static readonly Refusal BodyMalformed = new(400, Internal, "request body malformed");
    public static readonly Refusal UpstreamTimeout = new(504, Internal, "upstream timeout");
    public static readonly Refusal ClientCancelled = new(499, Internal, "client cancelled");
    public static readonly Refusal UpstreamUnreachable = new(502, Internal, "upstream unreachable");

    public static readonly Refusal BudgetExhausted = new(403, "delegation_budget_exhausted", "the delegation has been used as often as it may");
    public static readonly Refusal BudgetUnavailable = new(503, "delegation_budget_unavailable", "the delegation's budget cannot be read") { RetryAfterSeconds = 1 };

    /// <summary>The audit event of a granted call could not be kept (audit.md 12): the call is not answered as if it had been.</summary>
    public static readonly Refusal EvidenceLost = new(503, StsDown, "audit evidence unavailable") { RetryAfterSeconds = 1 };

    /// <summary>What a forgotten case answers: a verdict nobody set is a refusal.</summary>
    public static readonly Refusal Unexpected = new(500, Internal);
}
