using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Caracal.Sts.TokenExchange;

/// <summary>Takes the Gateway headers off a request (sts.md 5).</summary>
internal static class SignedCallReader
{
    /// <summary>Null when the request carries none of them. A header given twice counts as unusable, not as absent.</summary>
    public static GatewayProof? Read(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var headers = context.Request.Headers;
        var timestamp = headers[GatewaySignature.TimestampHeader];
        var nonce = headers[GatewaySignature.NonceHeader];
        var signature = headers[GatewaySignature.SignatureHeader];
        if (timestamp.Count == 0 && nonce.Count == 0 && signature.Count == 0)
        {
            return null;
        }

        return new GatewayProof(Single(timestamp), Single(nonce), Single(signature), context.Request.Method, WirePath(context), body)
        {
            RequestIdHeader = Single(headers[CaracalHeaders.RequestId]),
        };
    }

    private static string? Single(StringValues values) => values.Count == 1 ? values[0] : null;

    // The path as it came over the wire: percent-encoding kept, no query.
    private static string WirePath(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target[..query];
    }
}
