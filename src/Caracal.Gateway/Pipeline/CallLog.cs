using Caracal.Gateway.Evidence;
using Caracal.Gateway.Upstream;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Pipeline;

/// <summary>
/// One line a request (gateway.md A13): every denial and every failure, and at <c>debug</c> every call that went through,
/// which the ledger has anyway. The fields are the same for all three; what is not known is not there.
/// </summary>
internal sealed class CallLog(ILogger log, GatewaySettings settings)
{
    private static readonly EventId DeniedEvent = new(3000, "request_denied");
    private static readonly EventId ReplayEvent = new(3011, "jti_replay_rejected");
    private static readonly EventId FailedEvent = new(3001, "upstream_failed");
    private static readonly EventId ProxiedEvent = new(3010, "request_proxied");

    /// <summary>Refused before the exchange had succeeded; <paramref name="reason"/> is the row's counter (gateway.md A3).</summary>
    public void Denied(GatewayCall call, string reason, Refusal refusal)
    {
        var (level, id) = ReferenceEquals(refusal, GatewayErrors.Replayed) ? (LogLevel.Warning, ReplayEvent) : (LogLevel.Information, DeniedEvent);
        if (log.IsEnabled(level))
        {
            Write(level, id, $"denied: {reason}", call, new Outcome(refusal.Status, refusal.Code, reason, null));
        }
    }

    /// <summary>Granted, and not carried out.</summary>
    public void Failed(GatewayCall call, string? errorKind, Refusal refusal)
    {
        if (log.IsEnabled(LogLevel.Warning))
        {
            Write(LogLevel.Warning, FailedEvent, $"upstream failed: {errorKind}", call, new Outcome(refusal.Status, refusal.Code, null, errorKind));
        }
    }

    /// <summary>Answered by the upstream, or ended in the middle of its answer.</summary>
    public void Proxied(GatewayCall call)
    {
        if (log.IsEnabled(LogLevel.Debug))
        {
            Write(LogLevel.Debug, ProxiedEvent, "proxied", call, new Outcome((int)call.Answer!.StatusCode, null, null, null));
        }
    }

    private void Write(LogLevel level, EventId id, string message, GatewayCall call, Outcome outcome) =>
        log.Log<IReadOnlyList<KeyValuePair<string, object?>>>(level, id, Fields(call, outcome), null, (_, _) => message);

    // Claims only once their signature holds: before, they say whatever the caller liked, and somebody else would be blamed.
    private List<KeyValuePair<string, object?>> Fields(GatewayCall call, Outcome outcome)
    {
        var fields = new List<KeyValuePair<string, object?>>(20);
        void Add(string name, object? value)
        {
            if (value is not null and not "")
            {
                fields.Add(new(name, value));
            }
        }

        Add("RequestId", call.RequestId);
        Add("ClientIp", ForwardedFrom.Of(call.Http, settings).Address);
        Add("Method", call.Method);
        Add("Status", outcome.Status);
        Add("ErrorCode", outcome.Code);
        Add("Reason", outcome.Reason);
        Add("ErrorKind", outcome.ErrorKind);
        Add("ZoneId", call.IsVerified ? call.Claims.ZoneId : null);
        Add("ApplicationId", call.IsVerified ? call.Claims.ClientId : null);
        Add("Resource", call.Resource);
        Add("SubjectFp", call.Bearer.Length == 0 ? null : CallEvidence.Fingerprint(call));
        Add("UpstreamHost", call.Upstream?.Host);
        Add("AuthMode", call.Grant?.Upstream?.AuthMode);
        Add("StsLatencyMs", Milliseconds(call.StsTook));
        Add("UpstreamLatencyMs", Milliseconds(call.UpstreamTook));
        Add("TraceId", Spans.Current is null ? call.TraceId : null); // inside a span the writer names the trace itself
        return fields;
    }

    private static object? Milliseconds(TimeSpan? took) => took is { } time ? (long)time.TotalMilliseconds : null;

    private readonly record struct Outcome(int Status, string? Code, string? Reason, string? ErrorKind);
}
