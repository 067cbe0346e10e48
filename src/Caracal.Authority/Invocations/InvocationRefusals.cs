using Caracal.Protocol;

namespace Caracal.Authority.Invocations;

/// <summary>Every "no" of the Invocations room.</summary>
public static class InvocationRefusals
{
    public static readonly Refusal NotFound = new(404, "invocation_not_found", "The invocation does not exist in this zone.");
    public static readonly Refusal InvokerOwnershipRequired = new(403, "invoker_ownership_required", "The caller may not act for this application.");
    public static readonly Refusal NotStartable = new(409, "invocation_not_startable", "The invocation is over, runs already, or waits before its next attempt.");
    public static readonly Refusal NotCancelable = new(409, "invocation_not_cancelable", "The invocation is over or its end was asked for already.");
    public static readonly Refusal NotCompletable = new(409, "invocation_not_completable", "The invocation does not run.");
}
