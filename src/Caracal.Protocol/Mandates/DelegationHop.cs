namespace Caracal.Protocol.Mandates;

/// <summary>One hop of the claim <c>delegation_chain</c>: who held the authority, in which Session, and the edge it went out on.</summary>
/// <param name="ApplicationId">The application of this hop; never empty.</param>
/// <param name="AgentSessionId">Its governed Session.</param>
/// <param name="DelegationEdgeId">The edge it issued; null on the last hop.</param>
public sealed record DelegationHop(string ApplicationId, string? AgentSessionId, string? DelegationEdgeId);
