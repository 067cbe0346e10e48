using Caracal.Storage;
using Caracal.Storage.Delegations;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Budgets;

/// <summary>What is left of the budgets a call stands on. Nothing is asked where no delegation carries one.</summary>
internal sealed class DelegationBudgets(DelegationBudgetStore store, ILogger log)
{
    /// <summary>True when the call may be made; what it takes is noted in it.</summary>
    public async ValueTask<bool> ReserveAsync(Pipeline.GatewayCall call, IReadOnlyList<string> edges)
    {
        if (!await store.ReserveAsync(call.Claims.ZoneId!, edges, call.Http.RequestAborted))
        {
            return false;
        }

        call.ReservedBudgets = edges;
        return true;
    }

    /// <summary>Gives back what the call took: its upstream was never reached.</summary>
    public async ValueTask RefundAsync(Pipeline.GatewayCall call)
    {
        if (call.ReservedBudgets is not { } edges)
        {
            return;
        }

        call.ReservedBudgets = null;
        try
        {
            // Also when the caller has gone: it was not its doing.
            await store.RefundAsync(call.Claims.ZoneId!, edges, CancellationToken.None);
        }
        catch (StorageUnavailableException fault)
        {
            // A use that is lost takes authority away, never more.
            GatewayLog.RefundLost(log, fault, call.RequestId);
        }
    }
}
