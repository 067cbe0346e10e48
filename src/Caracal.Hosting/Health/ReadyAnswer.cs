using Caracal.Hosting.Http;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Health;

/// <summary><c>/ready</c> of STS, Gateway, Audit and console: <c>{"ok":…,"ready":…,"reason":…}</c>.</summary>
public static class ReadyAnswer
{
    public static async Task WriteAsync(HttpContext context, CachedReadiness readiness)
    {
        var reason = await readiness.FirstReasonAsync();
        context.Response.StatusCode = reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, reason is null);
            writer.WriteBoolean("ready"u8, reason is null);
            if (reason is not null) writer.WriteString("reason"u8, reason);
            writer.WriteEndObject();
        });
    }
}
