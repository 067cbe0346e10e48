namespace Caracal.Evidence.Events;

/// <summary>Values of <c>event_type</c> (audit.md 2.1).</summary>
public static class AuditEventTypes
{
    public const string TokenExchange = "token_exchange";
    public const string RunLaunch = "run_launch";
    public const string StepUpIssued = "step_up_issued";
    public const string StepUpDecided = "step_up_decided";
    public const string StepUpConsumed = "step_up_consumed";
    public const string JtiCollision = "jti_collision";
    public const string GatewayResourceRequest = "gateway_resource_request";
    public const string GatewayDenied = "gateway_denied";
    public const string ReplayDetected = "replay_detected";
    public const string ControlInvoke = "control.invoke";
    public const string CredentialRevealed = "credential_revealed";

    /// <summary>Ours: a step of a provider's second credential.</summary>
    public const string ProviderCredential = "provider_credential";
    public const string ClientAuthFailed = "client_auth_failed";
    public const string GatewaySignatureInvalid = "gateway_signature_invalid";
    public const string TokenRevoked = "token_revoked";
    public const string AuditKeyRotated = "audit_key_rotated";
    public const string OpsCanary = "ops_canary";
}

/// <summary>Values of <c>decision</c> (audit.md 2).</summary>
public static class AuditDecisions
{
    public const string Allow = "allow";
    public const string Deny = "deny";
    public const string Partial = "partial";
    public const string Pending = "pending";
    public const string Approved = "approved";
    public const string Rejected = "rejected";
    public const string Consumed = "consumed";

    /// <summary>The deny test of audit.md 2: case does not matter.</summary>
    public static bool IsDeny(string? decision) => string.Equals(decision, Deny, StringComparison.OrdinalIgnoreCase);
}
