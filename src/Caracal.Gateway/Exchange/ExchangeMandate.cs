using System.Diagnostics;
using Caracal.Gateway.Pipeline;
using Caracal.Protocol.Exchange;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Exchange;

/// <summary>Step 15: one exchange per request, never repeated, never cached (gateway.md A8).</summary>
internal sealed class ExchangeMandate(IGatewayExchange exchange, StsCircuit circuit, GatewayMetrics metrics, ILogger log) : IGatewayStep
{
    public async ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var started = Stopwatch.GetTimestamp();
        var settled = false;
        try
        {
            var outcome = await exchange.ExchangeAsync(RequestOf(call), call.Http.RequestAborted);
            settled = true;
            call.StsTook = Stopwatch.GetElapsedTime(started);
            metrics.ExchangeTook(call.StsTook.Value);
            return outcome.Grant is { } grant ? Accept(call, grant) : Refuse(call, outcome.Failure);
        }
        catch (OperationCanceledException) when (call.Http.RequestAborted.IsCancellationRequested)
        {
            return Verdict.Refuse(GatewayErrors.StsCancelled, GatewayCounter.StsExchangeErrors);
        }
        finally
        {
            if (!settled)
            {
                circuit.Abandon();
            }
        }
    }

    private static ExchangeRequest RequestOf(GatewayCall call) => new(
        call.Claims.ZoneId!, call.Claims.ClientId!, call.Bearer, call.Resource,
        call.Method, call.Path, call.RequestId, call.McpOperation, call.Token);

    private Verdict Accept(GatewayCall call, ExchangeGrant grant)
    {
        circuit.Report(failed: false);
        if (grant.AccessToken is "")
        {
            return Verdict.Refuse(GatewayErrors.StsResponseInvalid, GatewayCounter.StsExchangeErrors);
        }

        if (string.IsNullOrEmpty(grant.Upstream?.Url))
        {
            return Verdict.Refuse(GatewayErrors.UpstreamNotConfigured, GatewayCounter.StsExchangeErrors);
        }

        call.Grant = grant;
        return Verdict.Pass;
    }

    private Verdict Refuse(GatewayCall call, ExchangeFailure? failure)
    {
        var refusal = failure?.Refusal ?? GatewayErrors.StsResponseInvalid;
        call.Hold = failure?.Hold;
        var isDown = refusal is { Code: "sts_unavailable", Status: >= 500 };
        if (!isDown && failure?.Authenticated != true)
        {
            circuit.Abandon(); // whoever stands before the STS said this: nothing was learnt about it
        }
        else if (circuit.Report(isDown))
        {
            metrics.Count(GatewayCounter.StsCircuitOpened);
            GatewayLog.CircuitOpened(log, (int)StsCircuit.OpenFor.TotalSeconds);
        }

        return Verdict.Refuse(refusal, GatewayCounter.StsExchangeErrors);
    }
}
