using Caracal.Hosting.Http;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Keys;

/// <summary>What <c>POST /internal/keys/selftest</c> answers, whoever is asked (operations.md 6.1).</summary>
public static class KeySelfTestAnswer
{
    /// <param name="context">The call.</param>
    /// <param name="zones">Zones with anything to open.</param>
    /// <param name="failed">Those of them where something did not open.</param>
    /// <param name="opened">Values that did.</param>
    public static Task WriteAsync(HttpContext context, int zones, IReadOnlyList<string> failed, int opened) =>
        ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("zones_checked"u8, zones);
            writer.WriteStartArray("failed"u8);
            foreach (var zone in failed) writer.WriteStringValue(zone);
            writer.WriteEndArray();
            writer.WriteNumber("samples_opened"u8, opened);
            writer.WriteBoolean("ok"u8, failed.Count == 0);
            writer.WriteEndObject();
        });
}
