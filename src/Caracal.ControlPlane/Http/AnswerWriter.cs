using System.Text;
using Caracal.Hosting.Http;
using Caracal.Hosting.Tracing;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Http;

/// <summary>Puts an <see cref="Answer"/> on the wire (api.md 1, 1.1, 1.3).</summary>
internal static class AnswerWriter
{
    public static Task WriteAsync(HttpContext context, Answer answer)
    {
        if (answer.Refusal is { } refusal) return WriteRefusalAsync(context, refusal, answer);
        context.Response.StatusCode = answer.Status;
        if (answer.Html is { } html) return WriteHtmlAsync(context, html);
        if (answer.Lines is { } lines) return WriteLinesAsync(context, lines);
        if (answer.Csv is { } csv) return WriteCsvAsync(context, csv);
        return answer.Json is { } json ? ErrorBody.WriteJsonAsync(context.Response, json) : Task.CompletedTask;
    }

    private static Task WriteRefusalAsync(HttpContext context, Refusal refusal, Answer answer)
    {
        Spans.Current?.SetTag("caracal.refusal", refusal.Code);
        context.Response.StatusCode = refusal.Status;
        if (refusal.RetryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString();
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("error", refusal.Code);
            if (refusal.Description.Length > 0) writer.WriteString("error_description", refusal.Description);

            // The two built-in codes carry the request id (api.md 1.1).
            if (refusal.Code is "invalid_body" or "internal_error") writer.WriteString("requestId", context.RequestId());
            if (answer.Details is not null)
            {
                writer.WritePropertyName("details");
                answer.Details(writer);
            }

            writer.WriteEndObject();
        });
    }

    private static Task WriteHtmlAsync(HttpContext context, string html)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        return context.Response.WriteAsync(html, context.RequestAborted);
    }

    private static Task WriteLinesAsync(HttpContext context, string lines)
    {
        var bytes = Encoding.UTF8.GetBytes(lines);
        context.Response.ContentType = "application/x-ndjson";
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    private static async Task WriteCsvAsync(HttpContext context, CsvDocument csv)
    {
        var response = context.Response;
        response.ContentType = "text/csv; charset=utf-8";
        response.Headers.ContentDisposition = $"attachment; filename=\"{csv.FileName}\"";
        if (csv.NextCursor is not null) response.Headers["x-next-cursor"] = csv.NextCursor;
        var bytes = Encoding.UTF8.GetBytes(csv.Text);
        response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(bytes, context.RequestAborted);
    }
}
