using Caracal.Protocol;

namespace Caracal.ControlPlane;

/// <summary>Every refusal the API answers (api.md). Rules of Caracal.Authority bring a few of their own.</summary>
internal static class ControlPlaneErrors
{
    // The call itself.
    public static readonly Refusal InvalidParams = new(400, "invalid_params");
    public static readonly Refusal InvalidQuery = new(400, "invalid_query");
    public static readonly Refusal InvalidCursor = new(400, "invalid_cursor");
    public static readonly Refusal InvalidFields = new(400, "invalid_fields");
    public static readonly Refusal InvalidBody = new(400, "invalid_body");
    public static readonly Refusal PayloadTooLarge = new(413, "payload_too_large");
    public static readonly Refusal UnsupportedMediaType = new(415, "invalid_body", "the body must be application/json");
    public static readonly Refusal NoFields = new(400, "no_fields");
    public static readonly Refusal RateLimited = new(429, "rate_limited");
    public static readonly Refusal InternalError = new(500, "internal_error");
    public static readonly Refusal AuditUnavailable = new(500, "audit_unavailable", "the change was not applied because its audit record could not be written");

    // Who calls.
    public static readonly Refusal InvalidAdminToken = new(401, "invalid_admin_token");
    public static readonly Refusal InvalidAccountAssertion = new(401, "invalid_account_assertion");
    public static readonly Refusal AccountScopeRequired = new(403, "account_scope_required");
    public static readonly Refusal ZoneForbidden = new(403, "zone_forbidden");
    public static readonly Refusal SystemZoneReadOnly = new(403, "system_zone_read_only");
    public static readonly Refusal ReservedNamespace = new(409, "reserved_namespace");

    // Bootstrap and admin tokens.
    public static readonly Refusal BootstrapDisabled = new(404, "bootstrap_disabled");
    public static readonly Refusal AlreadyBootstrapped = new(409, "already_bootstrapped");
    public static readonly Refusal InvalidBootstrapRequest = new(400, "invalid_bootstrap_request");
    public static readonly Refusal InvalidAdminTokenRequest = new(400, "invalid_admin_token_request");
    public static readonly Refusal ZoneIdRequired = new(400, "zone_id_required");
    public static readonly Refusal ZoneIdNotAllowedForGlobal = new(400, "zone_id_not_allowed_for_global");
    public static readonly Refusal AdminTokenNotFound = new(404, "admin_token_not_found");
    public static readonly Refusal TokenManagementRequiresGlobal = new(403, "admin_token_management_requires_global");
    public static readonly Refusal TokenManagementForbiddenForDerived = new(403, "admin_token_management_forbidden_for_derived_token");

    // Zones and their keys.
    public static readonly Refusal InvalidZone = new(400, "invalid_zone");
    public static readonly Refusal ZoneNotFound = new(404, "zone_not_found");
    public static readonly Refusal ZoneSlugConflict = new(409, "zone_slug_conflict");
    public static readonly Refusal DcrShutdownNotApplicable = new(400, "dcr_shutdown_not_applicable");
    public static readonly Refusal DcrShutdownRequired = new(409, "dcr_shutdown_required");
    public static readonly Refusal InvalidRotationRequest = new(400, "invalid_rotation_request");
    public static readonly Refusal RotationInProgress = new(409, "rotation_in_progress");
    public static readonly Refusal RotationForbiddenForDerived = new(403, "rotation_forbidden_for_derived_token");
    public static readonly Refusal UnknownKeyClass = new(422, "unknown_key_class");
    public static readonly Refusal KeyReuse = new(409, "key_reuse", "a value that is known, retired ones included, never comes back");
    public static readonly Refusal RotationNotFound = new(404, "rotation_not_found");
    public static readonly Refusal InvalidTransition = new(409, "invalid_transition");
    public static readonly Refusal GateNotMet = new(409, "gate_not_met");
    public static readonly Refusal KeyNotFound = new(404, "key_not_found");
    public static readonly Refusal KeyIsActive = new(409, "key_is_active", "the active key signs; rotate first");
    public static readonly Refusal OverlapNotElapsed = new(409, "overlap_not_elapsed");

    // Applications and workloads.
    public static readonly Refusal InvalidApplication = new(400, "invalid_application");
    public static readonly Refusal ApplicationNotFound = new(404, "application_not_found");
    public static readonly Refusal ApplicationNameTaken = new(409, "application_name_taken");
    public static readonly Refusal ClientSecretNotConfigured = new(400, "client_secret_not_configured");
    public static readonly Refusal ClientSecretNotStored = new(404, "client_secret_not_stored");
    public static readonly Refusal SecretBackendUnavailable = new(502, "secret_backend_unavailable");
    public static readonly Refusal PreviousSecretInUse = new(409, "previous_secret_in_use");
    public static readonly Refusal DcrDisabled = new(403, "dcr_disabled");
    public static readonly Refusal DcrRateLimitExceeded = new(429, "dcr_rate_limit_exceeded");
    public static readonly Refusal DcrLimitExceeded = new(429, "dcr_limit_exceeded");
    public static readonly Refusal InvalidWorkload = new(400, "invalid_workload");
    public static readonly Refusal WorkloadNotFound = new(404, "workload_not_found");
    public static readonly Refusal WorkloadNameTaken = new(409, "workload_name_taken");
    public static readonly Refusal WorkloadSecretNotStored = new(404, "workload_secret_not_stored");
    public static readonly Refusal InvalidCredentialEnv = new(400, "invalid_credential_env");
    public static readonly Refusal DuplicateCredentialEnv = new(400, "duplicate_credential_env");

    // Providers and resources.
    public static readonly Refusal InvalidProvider = new(400, "invalid_provider");
    public static readonly Refusal InvalidProviderIdentifier = new(400, "invalid_provider_identifier");
    public static readonly Refusal InvalidProviderConfig = new(400, "invalid_provider_config");
    public static readonly Refusal ProviderConfigRequired = new(400, "provider_config_required");
    public static readonly Refusal ProviderCheckUnsupported = new(400, "provider_check_unsupported");
    public static readonly Refusal ProviderCheckFailed = new(422, "provider_check_failed");
    public static readonly Refusal ProviderTestRateLimited = new(429, "provider_test_rate_limited");
    public static readonly Refusal InvalidIssuer = new(400, "invalid_issuer");
    public static readonly Refusal ProviderDiscoveryFailed = new(422, "provider_discovery_failed");
    public static readonly Refusal ProviderDiscoveryRateLimited = new(429, "provider_discovery_rate_limited");
    public static readonly Refusal ProviderNotFound = new(404, "provider_not_found");
    public static readonly Refusal ProviderIdentifierConflict = new(409, "provider_identifier_conflict");

    // A provider's second credential.
    public static readonly Refusal InvalidCredentialChange = new(400, "invalid_credential_change");
    public static readonly Refusal ProviderCredentialUnsupported = new(400, "provider_credential_unsupported");
    public static readonly Refusal CanaryTargetRequired = new(400, "canary_target_required");
    public static readonly Refusal CredentialChangeOpen = new(409, "credential_change_open");
    public static readonly Refusal CredentialChanged = new(409, "credential_changed");
    public static readonly Refusal CredentialNotStaged = new(409, "credential_not_staged");
    public static readonly Refusal CredentialNotProven = new(409, "credential_not_proven");
    public static readonly Refusal CredentialNotShifted = new(409, "credential_not_shifted");
    public static readonly Refusal ObservationOpen = new(409, "observation_open");
    public static readonly Refusal InvalidResource = new(400, "invalid_resource");
    public static readonly Refusal InvalidResourceIdentifier = new(400, "invalid_resource_identifier");
    public static readonly Refusal CredentialProviderRequired = new(400, "credential_provider_required");
    public static readonly Refusal UpstreamUrlRequired = new(400, "upstream_url_required");
    public static readonly Refusal ResourceVerificationUnsupported = new(400, "resource_verification_unsupported");
    public static readonly Refusal ResourceCheckFailed = new(422, "resource_check_failed");
    public static readonly Refusal ResourceTestRateLimited = new(429, "resource_test_rate_limited");
    public static readonly Refusal ResourceNotFound = new(404, "resource_not_found");
    public static readonly Refusal ResourceIdentifierConflict = new(409, "resource_identifier_conflict");
    public static readonly Refusal ResourceQuotaExceeded = new(409, "resource_quota_exceeded");
    public static readonly Refusal ProtectedResource = new(409, "protected_resource");

    // Provider connections and the consent that makes them.
    public static readonly Refusal InvalidProviderConnection = new(400, "invalid_provider_connection");
    public static readonly Refusal ProviderConnectionUnsupported = new(400, "provider_connection_unsupported");
    public static readonly Refusal ProviderConnectionNotFound = new(404, "provider_connection_not_found");
    public static readonly Refusal InvalidProviderConnectionRevoke = new(400, "invalid_provider_connection_revoke");
    public static readonly Refusal InvalidProviderAuthorize = new(400, "invalid_provider_oauth_authorize");
    public static readonly Refusal AuthorizationEndpointInvalid = new(400, "provider_authorization_endpoint_invalid");
    public static readonly Refusal RedisUnreachable = new(503, "redis_unreachable") { RetryAfterSeconds = 1 };
    public static readonly Refusal InvalidOAuthCallback = new(400, "invalid_oauth_callback");
    public static readonly Refusal OAuthStateExpired = new(400, "oauth_state_expired");
    public static readonly Refusal OAuthStateInvalid = new(400, "oauth_state_invalid");
    public static readonly Refusal OAuthStateMismatch = new(400, "oauth_state_mismatch");
    public static readonly Refusal ProviderOAuthDenied = new(400, "provider_oauth_denied");
    public static readonly Refusal AuthorizationCodeRequired = new(400, "authorization_code_required");
    public static readonly Refusal TokenEndpointNotAllowed = new(400, "provider_token_endpoint_not_allowed");
    public static readonly Refusal TokenExchangeFailed = new(502, "provider_token_exchange_failed");
    public static readonly Refusal TokenResponseInvalid = new(502, "provider_token_response_invalid");
    public static readonly Refusal TokenTypeUnsupported = new(502, "provider_token_type_unsupported");

    // Policies and policy sets.
    public static readonly Refusal InvalidRego = new(422, "invalid_rego");
    public static readonly Refusal PolicyNotFound = new(404, "policy_not_found");
    public static readonly Refusal PolicyNameConflict = new(409, "policy_name_conflict");
    public static readonly Refusal PolicySetNotFound = new(404, "policy_set_not_found");
    public static readonly Refusal PolicySetNameConflict = new(409, "policy_set_name_conflict");
    public static readonly Refusal PolicySetVersionNotFound = new(404, "policy_set_version_not_found");
    public static readonly Refusal VersionNotFound = new(404, "version_not_found");
    public static readonly Refusal PolicySetBindingNotFound = new(404, "policy_set_binding_not_found");
    public static readonly Refusal ActivePolicySetVersionNotFound = new(404, "active_policy_set_version_not_found");
    public static readonly Refusal InvalidReplay = new(400, "invalid_replay");
    public static readonly Refusal InvalidShadow = new(400, "invalid_shadow");
    public static readonly Refusal ShadowNotFound = new(404, "shadow_not_found");
    public static readonly Refusal ShadowInProgress = new(409, "shadow_in_progress", "this zone has a shadow; end it first");
    public static readonly Refusal ReplayNotFound = new(404, "replay_not_found");
    public static readonly Refusal ReplayInProgress = new(409, "replay_in_progress", "this zone's last replay is still running");
    public static readonly Refusal NoEarlierVersion = new(409, "no_earlier_version");
    public static readonly Refusal RollbackNotEarlier = new(409, "rollback_not_earlier", "the version is not earlier than the active one; activate it instead");
    public static readonly Refusal InvalidPolicyContract = new(422, "invalid_policy_contract");
    public static readonly Refusal InvalidPolicyBundle = new(422, "invalid_policy_bundle");
    public static readonly Refusal ReferencedPolicyVersionMissing = new(409, "referenced_policy_version_missing");
    public static readonly Refusal PolicyVerificationUnavailable = new(503, "policy_verification_unavailable");

    // Access and identity.
    public static readonly Refusal GrantNotFound = new(404, "grant_not_found");
    public static readonly Refusal GrantScopesExceedResource = new(403, "grant_scopes_exceed_resource");
    public static readonly Refusal ControlResourceNotGrantable = new(403, "control_resource_not_grantable");
    public static readonly Refusal InvalidSubjectIssuer = new(400, "invalid_subject_issuer");
    public static readonly Refusal SubjectIssuerNotFound = new(404, "subject_issuer_not_found");
    public static readonly Refusal SubjectIssuerExists = new(409, "subject_issuer_exists");
    public static readonly Refusal SubjectIssuerLimitReached = new(409, "subject_issuer_limit_reached");
    public static readonly Refusal InvalidSubjectRevoke = new(400, "invalid_subject_revoke");
    public static readonly Refusal SubjectNotFound = new(404, "subject_not_found");
    public static readonly Refusal InvalidKill = new(400, "invalid_kill_switch");
    public static readonly Refusal SessionNotFound = new(404, "session_not_found");
    public static readonly Refusal AuthorityRecordNotFound = new(404, "authority_record_not_found");
    public static readonly Refusal DelegationNotFound = new(404, "delegation_not_found");
    public static readonly Refusal ApprovalNotFound = new(404, "approval_not_found");
    public static readonly Refusal SubjectApprovalRequired = new(403, "subject_approval_required");
    public static readonly Refusal ApprovalNotDecidable = new(409, "approval_not_decidable");

    // Notification sinks.
    public static readonly Refusal InvalidSink = new(400, "invalid_sink");
    public static readonly Refusal InvalidSinkUrl = new(400, "invalid_sink_url");
    public static readonly Refusal SinkNotFound = new(404, "sink_not_found");
    public static readonly Refusal SinkLimitReached = new(409, "sink_limit_reached");

    // Evidence and platform.
    public static readonly Refusal RequestNotFound = new(404, "request_not_found");
    public static readonly Refusal DeadOutboxNotFound = new(404, "dead_outbox_not_found");
    public static readonly Refusal InvalidRetention = new(400, "invalid_audit_retention");
    public static readonly Refusal RetentionAboveLimit = new(400, "retention_above_limit");
    public static readonly Refusal InvalidMintRateLimit = new(400, "invalid_mint_rate_limit");
    public static readonly Refusal RateLimitAboveCeiling = new(400, "rate_limit_above_ceiling");
}
