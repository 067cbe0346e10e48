using Caracal.Protocol;

namespace Caracal.Authority.Leases;

/// <summary>Every "no" of the Leases room. Clients stop for good on some of these codes (coordinator.md 6).</summary>
public static class LeaseRefusals
{
    public static readonly Refusal NotService = new(409, "session_not_service", "Only a service Session has a lease.");
    public static readonly Refusal Suspended = new(409, "session_suspended", "The Session is suspended; resume it first.");
    public static readonly Refusal NotLive = new(409, "session_not_live", "The Session has ended.");
    public static readonly Refusal SubjectInactive = new(409, "session_subject_inactive", "The authority behind the Session has ended.");
    public static readonly Refusal LeaseExpired = new(409, "session_lease_expired", "The lease ran out; the Session is now suspended.");
    public static readonly Refusal Fenced = new(409, "session_lease_fenced", "Another holder has taken the lease.");
    public static readonly Refusal GenerationRequired = new(400, "lease_generation_required", "Name the lease generation you hold.");
    public static readonly Refusal AuthorityRecordRequired = new(401, "authority_record_required", "The bearer carries no authority record.");
    public static readonly Refusal IdentityRevoked = new(401, "identity_revoked", "The bearer's identity is no longer valid.");
    public static readonly Refusal ServiceNotFound = new(404, "agent_service_not_found", "No such registered service of this application.");
}
