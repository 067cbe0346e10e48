using System.Diagnostics;
using Caracal.Egress;
using Caracal.Gateway.Budgets;
using Caracal.Gateway.Overrides;
using Caracal.Gateway.Pipeline;
using Caracal.Hosting.Tracing;

namespace Caracal.Gateway.Forwarding;

/// <summary>Step 19: sends once and waits for the response headers (the transport mapping of gateway.md A9).</summary>
/// <param name="http">The guarded client.</param>
/// <param name="budgets">Where unspent uses go back; null where nothing is governed.</param>
/// <param name="settings">Time limits.</param>
internal sealed class SendRequest(GuardedHttp http, DelegationBudgets? budgets, GatewaySettings settings) : IGatewayStep
{
    public async ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var request = call.Request!;
        call.Lifetime.DeadlineAfter(request.Content is StreamedRequestBody ? settings.ReadTimeout : settings.UpstreamTimeout);
        var started = Stopwatch.GetTimestamp();
        using var span = Spans.StartCall(call.Method, request.RequestUri!);
        try
        {
            Spans.Continue(request);
            call.Answer = await http.SendAsync(request, call.Lifetime.Token);
            span.Answered((int)call.Answer.StatusCode);
            return (int)call.Answer.StatusCode >= 200 || call.WebSocket?.IsAcceptedBy(call.Answer) == true
                ? Verdict.Pass
                : Failure(GatewayErrors.UpstreamUnreachable);
        }
        catch (Exception fault)
        {
            span.Failed(fault);
            if (budgets is not null && call.ReservedBudgets is not null && NeverReached(fault))
            {
                await budgets.RefundAsync(call);
            }

            // The upstream is the outside world: whatever it made the client throw, the call failed and is recorded so.
            return Judge(call, fault);
        }
        finally
        {
            call.UpstreamTook = Stopwatch.GetElapsedTime(started);
        }
    }

    private static Verdict Judge(GatewayCall call, Exception fault)
    {
        if (Has<BodyTooLargeException>(fault))
        {
            return Failure(GatewayErrors.BodyTooLarge);
        }

        if (Has<OtherMethodException>(fault))
        {
            return Verdict.Fail(GatewayErrors.BuildFailed, ErrorKinds.BuildFailed);
        }

        if (Has<Microsoft.AspNetCore.Http.BadHttpRequestException>(fault))
        {
            return Failure(GatewayErrors.BodyMalformed); // what the caller framed badly, not what the upstream did
        }

        if (Has<EgressRefusedException>(fault))
        {
            return Verdict.Fail(GatewayErrors.UpstreamNotAddressable, ErrorKinds.NotAddressable);
        }

        return call.Lifetime.Cause switch
        {
            CallEnd.ClientGone => Failure(GatewayErrors.ClientCancelled),
            CallEnd.Deadline => Failure(GatewayErrors.UpstreamTimeout),
            _ => Failure(GatewayErrors.UpstreamUnreachable),
        };
    }

    // No byte of the request can have left: there was no name, no address we may use, no connection.
    private static bool NeverReached(Exception fault) =>
        Has<EgressRefusedException>(fault)
        || fault is HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError,
        };

    private static Verdict Failure(Protocol.Refusal refusal) => Verdict.Fail(refusal, ErrorKinds.Transport);

    private static bool Has<T>(Exception? fault)
        where T : Exception
    {
        for (; fault is not null; fault = fault.InnerException)
        {
            if (fault is T)
            {
                return true;
            }
        }

        return false;
    }
}
