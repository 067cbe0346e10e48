namespace Caracal.Sdk;

/// <summary>Something the client did, for logs and metrics; never carries a token or a secret.</summary>
/// <param name="Name"><c>token.exchange</c>, <c>approval.wait</c>, <c>coordinator.call</c> or <c>delegation.accept</c>.</param>
/// <param name="Ok">True when it succeeded.</param>
/// <param name="Duration">From begin to end.</param>
public abstract record CaracalEvent(string Name, bool Ok, TimeSpan Duration);

/// <summary>An exchange at the STS, or an answer out of the cache.</summary>
public sealed record TokenExchangeEvent(
    IReadOnlyList<string> Resources, IReadOnlyList<string> Scopes, bool Cached, bool Ok, TimeSpan Duration, int? Status, string? Code)
    : CaracalEvent("token.exchange", Ok, Duration);

/// <summary>A wait for a person's decision.</summary>
public sealed record ApprovalWaitEvent(string ApprovalId, string State, bool Ok, TimeSpan Duration) : CaracalEvent("approval.wait", Ok, Duration);

/// <summary>One call to the Coordinator; status 0 when nothing answered, replayed when the answer was that of an earlier call with the same idempotency key.</summary>
public sealed record CoordinatorCallEvent(
    string Method, string Path, int Status, bool Ok, TimeSpan Duration, bool Replayed, string? Code, string? RequestId)
    : CaracalEvent("coordinator.call", Ok, Duration);

/// <summary>A Delegation was taken up.</summary>
public sealed record DelegationAcceptEvent(string DelegationId, string SessionId, bool Validated, bool Ok, TimeSpan Duration)
    : CaracalEvent("delegation.accept", Ok, Duration);
