using Caracal.Protocol;

namespace Caracal.Authority.Delegations;

/// <summary>Every "no" of the Delegations room.</summary>
public static class DelegationRefusals
{
    public static readonly Refusal InvalidConstraint = new(400, "invalid_delegation_constraint", "A delegation constraint is unknown or the constraints are no object.");
    public static readonly Refusal ExpiryRequired = new(400, "delegation_expiry_required", "Name expires_at or ttl_seconds.");
    public static readonly Refusal IssuerOwnershipRequired = new(403, "issuer_ownership_required", "The caller may not delegate for the issuer application.");
    public static readonly Refusal SelfDelegation = new(400, "self_delegation_denied", "A Session cannot delegate to itself.");
    public static readonly Refusal BroadPermissionRequired = new(403, "broad_delegation_permission_required", "A delegation that names no resource needs a permission of its own.");
    public static readonly Refusal EndpointNotFound = new(404, "delegation_endpoint_not_found", "Source or target is not a live Session of this zone.");
    public static readonly Refusal ApplicationMismatch = new(409, "delegation_application_mismatch", "An application does not run the Session named for it.");
    public static readonly Refusal ResourceNotFound = new(404, "resource_not_found", "A named resource does not exist in this zone.");
    public static readonly Refusal ResourceScopeMismatch = new(400, "delegation_resource_scope_mismatch", "The named resource is not in the constraint's resources.");
    public static readonly Refusal ScopesExceedResource = new(403, "delegation_scopes_exceed_resource", "A scope is not offered by the named resources.");
    public static readonly Refusal ParentNotActive = new(403, "parent_delegation_not_active", "The source holds no such live delegation.");
    public static readonly Refusal ParentAmbiguous = new(409, "parent_delegation_ambiguous", "The source holds several live delegations; name one.");
    public static readonly Refusal ExceedsParent = new(403, "delegation_exceeds_parent_authority", "The delegation is wider than the authority it comes from.");
    public static readonly Refusal CycleDenied = new(409, "delegation_cycle_denied", "The target already delegates, directly or through others, to the source.");
    public static readonly Refusal AlreadyExpired = new(400, "delegation_expired", "The delegation would already be expired.");
    public static readonly Refusal NotFound = new(404, "delegation_not_found", "The delegation does not exist or is not active.");

    /// <summary>400 <c>invalid_{key}</c>: a known constraint with a bad value.</summary>
    public static Refusal InvalidValue(string key) => new(400, "invalid_" + key, $"The constraint {key} has a value that is not allowed.");
}
