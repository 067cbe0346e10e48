using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;

namespace Caracal.Gateway.Exchange;

/// <summary>The three headers that prove a call to be this Gateway's (operations.md 3.3, sts.md 5).</summary>
internal static class StsSignature
{
    public static void Add(HttpRequestMessage message, HmacKeyRing keys, DateTimeOffset now, string path, byte[] body)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString();
        var nonce = GatewaySignature.NewNonce();
        message.Headers.TryAddWithoutValidation(CaracalHeaders.GatewayTimestamp, timestamp);
        message.Headers.TryAddWithoutValidation(CaracalHeaders.GatewayNonce, nonce);
        message.Headers.TryAddWithoutValidation(CaracalHeaders.GatewaySignature, GatewaySignature.Sign(keys, timestamp, nonce, "POST", path, body));
    }
}
