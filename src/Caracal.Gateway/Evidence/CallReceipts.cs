using Caracal.Evidence.Events;
using Caracal.Evidence.Receipts;
using Caracal.Gateway.Pipeline;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Evidence;

/// <summary>
/// Writes <c>X-Caracal-Receipt</c>: with the content hash where the event is kept before the headers leave, which it is of
/// every answer that comes at once; else the event's id in the header and the whole receipt as a trailer.
/// </summary>
/// <param name="keys">The audit key; null only in dev.</param>
internal sealed class CallReceipts(HmacKeyRing? keys)
{
    /// <summary>Says which event there will be, before anything leaves.</summary>
    public void Promise(GatewayCall call)
    {
        var headers = call.Http.Response.Headers;
        headers[CaracalHeaders.Receipt] = Receipt.Promise(call.Claims.ZoneId!, call.EventId, keys?.Current).ToString();
        headers.Trailer = StringValues.Concat(headers.Trailer, CaracalHeaders.Receipt);
    }

    /// <summary>The event is kept: says what the ledger will hold of it.</summary>
    public void Give(GatewayCall call, AuditEvent evidence)
    {
        call.Receipt = Receipt.Of(evidence, keys?.Current).ToString();
        if (!call.Http.Response.HasStarted) call.Http.Response.Headers[CaracalHeaders.Receipt] = call.Receipt;
    }
}
