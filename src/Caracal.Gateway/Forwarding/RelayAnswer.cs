using System.Net;
using Caracal.Evidence.Journals;
using Caracal.Gateway.Evidence;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.WebSockets;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Forwarding;

/// <summary>
/// Step 20: the upstream's answer to the caller, chunk by chunk (gateway.md A9). The audit event is kept before the
/// answer is complete, so no answered call goes without its evidence.
/// </summary>
internal sealed class RelayAnswer(
    RevocationState revocations, LiveAnswers live, RelaySocket sockets, CallEvidence evidence, CallReceipts? receipts, GatewayMetrics metrics, GatewaySettings settings, ILogger log)
    : IGatewayStep
{
    public async ValueTask<Verdict> JudgeAsync(GatewayCall call)
    {
        var secondsLeft = call.Claims.ExpiresAt - call.Now.ToUnixTimeSeconds() - (long)call.Elapsed.TotalSeconds;
        AnswerHeaderRules.Copy(call.Answer!, call.Http.Response, secondsLeft, call.QueryCredential);
        receipts?.Promise(call);
        return call.Answer!.StatusCode == HttpStatusCode.SwitchingProtocols ? await SwitchAsync(call) : await CopyAsync(call);
    }

    private async Task<Verdict> SwitchAsync(GatewayCall call)
    {
        await sockets.RunAsync(call, async end =>
        {
            metrics.Count(GatewayCounter.RequestsAllowed);
            if (end == CopyEnd.Failed)
            {
                metrics.Count(GatewayCounter.UpstreamErrors);
            }

            return await TryRecordAsync(call, end);
        });
        return Verdict.Pass;
    }

    private async Task<Verdict> CopyAsync(GatewayCall call)
    {
        using var copy = new AnswerCopy(call, revocations, live, settings);
        var end = await copy.RunAsync();
        call.RevocationInterrupted = end == CopyEnd.Revoked;
        if (!await TryRecordAsync(call, end))
        {
            return GiveUp(call);
        }

        metrics.Count(GatewayCounter.RequestsAllowed);
        return end == CopyEnd.Failed ? Cut(call) : await CompleteAsync(call, copy, end);
    }

    private async Task<Verdict> CompleteAsync(GatewayCall call, AnswerCopy copy, CopyEnd end)
    {
        if (end == CopyEnd.Revoked)
        {
            call.Answer!.Dispose();
            if (!copy.MayEndEarly)
            {
                call.Http.Abort(); // a promised length cannot be kept: the caller must see that it is cut
                return Verdict.Pass;
            }
        }

        await copy.FinishAsync(end, Trailers(call, end));
        return Verdict.Pass;
    }

    private async ValueTask<bool> TryRecordAsync(GatewayCall call, CopyEnd end)
    {
        try
        {
            await evidence.RecordCallAsync(
                call, (int)call.Answer!.StatusCode, "executed", end == CopyEnd.Failed ? ErrorKinds.CopyFailed : null);
            return true;
        }
        catch (JournalUnavailableException fault)
        {
            GatewayLog.EvidenceLost(log, fault, call.RequestId);
            return false;
        }
    }

    // No evidence, no answer: while nothing has left it becomes a 503, afterwards the connection is cut.
    private Verdict GiveUp(GatewayCall call)
    {
        if (call.Http.Response.HasStarted)
        {
            return Cut(call);
        }

        call.RenewEvent();
        call.Http.Response.Clear();
        call.Http.Response.Headers[CaracalHeaders.RequestId] = call.RequestId;
        return Verdict.Refuse(GatewayErrors.EvidenceLost, GatewayCounter.UpstreamErrors);
    }

    // gateway.md A9: truncation must be visible, so the connection ends without the end of the body.
    private Verdict Cut(GatewayCall call)
    {
        metrics.Count(GatewayCounter.UpstreamErrors);
        call.Http.Abort();
        return Verdict.Pass;
    }

    private static List<KeyValuePair<string, string>> Trailers(GatewayCall call, CopyEnd end)
    {
        var trailers = new List<KeyValuePair<string, string>>();
        if (call.Receipt is not null && call.Http.Response.HasStarted)
        {
            trailers.Add(new(CaracalHeaders.Receipt, call.Receipt));
        }

        if (end == CopyEnd.Revoked)
        {
            trailers.Add(new(CaracalHeaders.Revoked, "true"));
            return trailers;
        }

        foreach (var (name, values) in call.Answer!.TrailingHeaders.NonValidated)
        {
            if (AnswerHeaderRules.PassesAsTrailer(name, values.ToString()) && call.QueryCredential?.IsIn(values.ToString()) != true)
            {
                trailers.Add(new(name, values.ToString()));
            }
        }

        return trailers;
    }
}
