using System.Text.Json;
using Caracal.Evidence.Journals;
using Caracal.Gateway.Evidence;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Pipeline;

/// <summary>Counts, records and answers what a step refused (gateway.md A2, A3, A12).</summary>
internal sealed class RefusalAnswer(GatewayMetrics metrics, CallEvidence evidence, DenialSampling sampling, CallLog lines, ILogger log)
{
    public async Task GiveAsync(GatewayCall call, Verdict verdict)
    {
        if (call.Http.Response.HasStarted)
        {
            return; // Step 20 failed while it relayed: it has counted, recorded and cut the connection.
        }

        metrics.Count(verdict.Counter);
        var refusal = verdict.Refusal;
        if (call.Grant is null)
        {
            metrics.Count(GatewayCounter.RequestsDenied);
            await SampleAsync(call, verdict.Counter, refusal);
            lines.Denied(call, metrics.Key(verdict.Counter), refusal);
        }
        else
        {
            refusal = await RecordAsync(call, verdict, refusal);
        }

        if (!call.Http.RequestAborted.IsCancellationRequested)
        {
            await WriteAsync(call.Http, refusal, call.Hold);
        }
    }

    // gateway.md A12: an event that cannot be kept makes its answer a 503. A failure is answered as such anyway.
    private async Task<Refusal> RecordAsync(GatewayCall call, Verdict verdict, Refusal refusal)
    {
        try
        {
            await evidence.RecordCallAsync(call, refusal.Status, EvaluationStatus(verdict.ErrorKind), verdict.ErrorKind);
            lines.Failed(call, verdict.ErrorKind, refusal);
            return refusal;
        }
        catch (JournalUnavailableException fault)
        {
            GatewayLog.EvidenceLost(log, fault, call.RequestId);
            return GatewayErrors.EvidenceLost;
        }
    }

    // Only where the zone is real: a forged zone id must not open a chain of its own in the ledger. A replay has its own
    // event, and what the STS refused is in the STS's.
    private async Task SampleAsync(GatewayCall call, GatewayCounter counter, Refusal refusal)
    {
        var sampled = counter is not (GatewayCounter.DenialsJtiReplay or GatewayCounter.StsExchangeErrors)
            || ReferenceEquals(refusal, GatewayErrors.CircuitOpen);
        if (!sampled || !call.ZoneIsKnown || !sampling.Take(counter, out var unrecorded))
        {
            return;
        }

        try
        {
            await evidence.RecordDenialAsync(call, counter == GatewayCounter.None ? refusal.Code : metrics.Key(counter), unrecorded);
        }
        catch (JournalUnavailableException fault)
        {
            GatewayLog.EvidenceLost(log, fault, call.RequestId);
        }
    }

    private static string EvaluationStatus(string? errorKind) => errorKind switch
    {
        ErrorKinds.NotAddressable or ErrorKinds.HostNotAllowed => "upstream_rejected",
        ErrorKinds.BuildFailed => "build_failed",
        ErrorKinds.BudgetExhausted or ErrorKinds.BudgetUnavailable => "budget_refused",
        _ => "upstream_error",
    };

    private static Task WriteAsync(HttpContext http, Refusal refusal, ApprovalHold? hold)
    {
        if (refusal.Status == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        }

        return ErrorBody.WriteAsync(http, refusal, writer =>
        {
            if (refusal.Status == StatusCodes.Status413PayloadTooLarge)
            {
                writer.WriteString("code"u8, "RequestTooLarge"u8);
            }

            if (hold is not null)
            {
                WriteHold(writer, hold);
            }
        });
    }

    private static void WriteHold(Utf8JsonWriter writer, ApprovalHold hold)
    {
        writer.WriteString("approval_id"u8, hold.ApprovalId);
        writer.WriteString("approval_type"u8, "human_approval"u8);
        writer.WriteString("state"u8, hold.State);
        if (hold.Tier is not null)
        {
            writer.WriteString("tier"u8, hold.Tier);
        }

        writer.WriteString("binding"u8, hold.Binding);
        writer.WriteString("approval_expires_at"u8, hold.ExpiresAt);
    }
}
