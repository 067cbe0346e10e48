using System.Globalization;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;

namespace Caracal.Hosting.StsCalls;

/// <summary>Signs a call to the STS's internal routes (operations.md 3.3, sts.md 5).</summary>
public static class SignedStsCall
{
    /// <summary>The STS's: tells whoever signed a call so that it is taken which key it was taken under (operations.md 6.1).</summary>
    public const string PingPath = "/internal/gateway/ping";

    /// <summary>The Gateway's: tells what a ping of its own comes to (operations.md 6.1, V5).</summary>
    public const string SelfTestPath = "/internal/selftest/exchange";

    /// <summary>Adds the three headers that prove the call to come from a holder of the Gateway-STS key.</summary>
    /// <param name="message">Its method is signed.</param>
    /// <param name="keys">The current key signs.</param>
    /// <param name="now">Of the process clock; the STS takes 60 s of difference.</param>
    /// <param name="path">As on the wire: percent-encoding kept, no query.</param>
    /// <param name="body">Exact body bytes.</param>
    public static void Sign(HttpRequestMessage message, HmacKeyRing keys, DateTimeOffset now, string path, byte[] body)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var nonce = GatewaySignature.NewNonce();
        message.Headers.TryAddWithoutValidation(GatewaySignature.TimestampHeader, timestamp);
        message.Headers.TryAddWithoutValidation(GatewaySignature.NonceHeader, nonce);
        message.Headers.TryAddWithoutValidation(
            GatewaySignature.SignatureHeader, GatewaySignature.Sign(keys, timestamp, nonce, message.Method.Method, path, body));
    }
}
