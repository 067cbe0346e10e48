using System.Text;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit;

/// <summary>The plain-text answers of this service: they end with LF (audit.md 10).</summary>
internal static class PlainText
{
    public static async Task WriteAsync(HttpContext context, int status, string text)
    {
        var body = Encoding.UTF8.GetBytes(text + "\n");
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
