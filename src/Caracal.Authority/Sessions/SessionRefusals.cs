using Caracal.Protocol;

namespace Caracal.Authority.Sessions;

/// <summary>Every "no" of the Sessions room.</summary>
public static class SessionRefusals
{
    public static readonly Refusal ApplicationNotFound = new(404, "application_not_found", "The application does not exist in this zone or is archived.");
    public static readonly Refusal ApplicationOwnershipRequired = new(403, "application_ownership_required", "The caller may not act for this application.");
    public static readonly Refusal SubjectSessionRequired = new(400, "subject_session_id_required", "Name an authority record: the bearer carries none.");
    public static readonly Refusal SessionNotFound = new(404, "session_not_found", "The Session does not exist in this zone.");
    public static readonly Refusal AnchorNotFound = new(404, "session_not_found", "The authority record is not active in this zone.");
    public static readonly Refusal DynamicCannotHostService = new(409, "dcr_application_cannot_host_service", "A dynamically registered application cannot run a service Session.");
    public static readonly Refusal DynamicCannotBeChild = new(409, "dcr_application_cannot_be_child", "A dynamically registered application cannot run a child Session.");
    public static readonly Refusal DynamicAlreadyBound = new(409, "dcr_application_already_bound", "The dynamically registered application already has a live Session.");
    public static readonly Refusal DynamicCannotStartChild = new(409, "dcr_application_cannot_start_child", "The parent belongs to a dynamically registered application.");
    public static readonly Refusal ZoneLimitExceeded = new(429, "session_zone_limit_exceeded", "The zone has as many live Sessions as it may have.") { RetryAfterSeconds = 5 };
    public static readonly Refusal ApplicationLimitExceeded = new(429, "session_limit_exceeded", "The application has as many live Sessions as it may have.") { RetryAfterSeconds = 5 };
    public static readonly Refusal ParentNotFound = new(404, "parent_not_found", "The parent is not a live Session of this zone.");
    public static readonly Refusal TaskCannotStartService = new(409, "task_session_cannot_start_service", "A task Session cannot have a service child.");
    public static readonly Refusal ParentOwnershipRequired = new(403, "parent_ownership_required", "The parent belongs to another application.");
    public static readonly Refusal ChildrenLimitExceeded = new(429, "session_children_limit_exceeded", "The parent has as many live children as it may have.") { RetryAfterSeconds = 5 };
    public static readonly Refusal DepthLimitExceeded = new(429, "session_depth_limit_exceeded", "The Session tree is as deep as it may be.");
    public static readonly Refusal NotActive = new(409, "session_not_found_or_not_active", "The Session is not active.");
    public static readonly Refusal NotSuspended = new(409, "session_not_found_or_not_suspended", "The Session is not suspended.");
    public static readonly Refusal ProofApplicationMismatch = new(403, "subject_proof_application_mismatch", "The subject token was issued to another application.");
    public static readonly Refusal InvalidSubjectProof = new(401, "invalid_subject_proof", "The subject token does not prove the named authority record.");
    public static readonly Refusal InheritNotActive = new(409, "inherit_parent_edge_not_active", "The parent holds no live delegation to inherit.");
    public static readonly Refusal InheritAmbiguous = new(409, "inherit_parent_edge_ambiguous", "The parent holds several live delegations; name one.");
}
