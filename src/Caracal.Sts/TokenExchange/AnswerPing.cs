using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.TokenExchange;

/// <summary><c>POST /internal/gateway/ping</c> (operations.md 6.1): tells the Gateway that its signature was accepted, and under which key.</summary>
internal sealed class AnswerPing(StsSettings settings, ISharedState state, DatabaseClock clock)
{
    private const int LargestBody = 4_096;

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await BodyReader.ReadAsync(context, LargestBody) is not { } body)
        {
            await ErrorBody.WriteAsync(context, StsErrors.BodyTooLarge);
            return;
        }

        try
        {
            var slot = SignedCallReader.Read(context, body) is { } proof
                ? await SignedCall.MatchAsync(proof, settings.GatewayKeys, state, clock, context.RequestAborted)
                : KeySlot.None;
            await (slot == KeySlot.None ? ErrorBody.WriteAsync(context, StsErrors.BadSignedCall) : WriteAsync(context, slot));
        }
        catch (StreamsUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    private Task WriteAsync(HttpContext context, KeySlot slot) => ErrorBody.WriteJsonAsync(context.Response, writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok"u8, true);
        writer.WriteString("matched_slot"u8, slot.Name());
        if (slot == KeySlot.Current)
        {
            writer.WriteString("matched_sid"u8, settings.GatewayKeys!.SecretId);
        }

        writer.WriteEndObject();
    });
}
