using Caracal.Gateway.Pipeline;
using Caracal.Storage;

namespace Caracal.Gateway.Budgets;

/// <summary>Before step 19: takes one use from every budget down the chain of delegations, all of them or none.</summary>
internal sealed class ReserveBudget(DelegationBudgets budgets) : IGatewayStep
{
    public ValueTask<Verdict> JudgeAsync(GatewayCall call) =>
        call.Grant!.Upstream!.BudgetEdges is { Count: > 0 } edges ? ReserveAsync(call, edges) : new(Verdict.Pass);

    private async ValueTask<Verdict> ReserveAsync(GatewayCall call, IReadOnlyList<string> edges)
    {
        try
        {
            return await budgets.ReserveAsync(call, edges)
                ? Verdict.Pass
                : Verdict.Fail(GatewayErrors.BudgetExhausted, ErrorKinds.BudgetExhausted, GatewayCounter.DenialsBudget);
        }
        catch (StorageUnavailableException)
        {
            return Verdict.Fail(GatewayErrors.BudgetUnavailable, ErrorKinds.BudgetUnavailable, GatewayCounter.DenialsBudget);
        }
    }
}
