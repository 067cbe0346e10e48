using System.Security.Cryptography;
using System.Text;

namespace Caracal.Keys.Signatures;

/// <summary>The <c>X-Caracal-Signature</c> of a notification sink delivery (audit.md 11).</summary>
public static class WebhookSignature
{
    /// <param name="sinkSecret">The sink's secret text, used as UTF-8.</param>
    /// <param name="timestamp">Unix seconds, decimal, as sent.</param>
    /// <param name="body">Exact body bytes.</param>
    public static string Sign(ReadOnlySpan<byte> sinkSecret, string timestamp, ReadOnlySpan<byte> body)
    {
        var signed = new byte[timestamp.Length + 1 + body.Length];
        Encoding.ASCII.GetBytes(timestamp, signed);
        signed[timestamp.Length] = (byte)'.';
        body.CopyTo(signed.AsSpan(timestamp.Length + 1));
        return "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(sinkSecret, signed));
    }
}
