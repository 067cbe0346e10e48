using System.Text.Json;
using Caracal.Authority.Sessions;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Requests;

/// <summary>Writes answers and the error envelope with every spelling that clients read (coordinator.md 2).</summary>
internal static class ReplyWriter
{
    public static async Task WriteAsync(HttpContext context, Reply reply)
    {
        if (reply.Refusal is { } refusal)
        {
            await ErrorBody.WriteAsync(context, refusal, writer => WriteMore(writer, context, refusal, reply.Issues));
            return;
        }

        var response = context.Response;
        response.StatusCode = reply.Status;
        if (reply.Replayed)
        {
            response.Headers[CaracalHeaders.IdempotencyReplayed] = "true";
        }

        if (reply.Body.Length > 0)
        {
            response.ContentType = "application/json";
            response.ContentLength = reply.Body.Length;
            await response.Body.WriteAsync(reply.Body, context.RequestAborted);
        }
    }

    /// <summary>The legacy form of an unknown route, with the ids added.</summary>
    public static Task WriteUnknownRouteAsync(HttpContext context, string path)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("message"u8, $"Route {context.Request.Method}:{path} not found");
            writer.WriteString("error"u8, CoordinatorErrors.NotFound.Code);
            writer.WriteNumber("statusCode"u8, CoordinatorErrors.NotFound.Status);
            writer.WriteString("request_id"u8, context.RequestId());
            writer.WriteString("requestId"u8, context.RequestId());
            writer.WriteEndObject();
        });
    }

    private static void WriteMore(Utf8JsonWriter writer, HttpContext context, Refusal refusal, IReadOnlyList<BodyIssue> issues)
    {
        if (refusal.Code.StartsWith("idempotency_", StringComparison.Ordinal) || refusal.Code == CoordinatorErrors.AuditUnavailable.Code)
        {
            writer.WriteString("message"u8, refusal.Description);
        }

        if (ReferenceEquals(refusal, SessionRefusals.AnchorNotFound))
        {
            writer.WriteString("detail"u8, refusal.Description);
        }

        if (issues.Count > 0)
        {
            writer.WriteStartObject("details"u8);
            Paging.WriteItems(writer, "issues", issues, static (w, issue) =>
            {
                w.WriteStartObject();
                Paging.WriteTexts(w, "path", issue.Path);
                w.WriteString("message"u8, issue.Message);
                w.WriteEndObject();
            });
            writer.WriteEndObject();
        }

        writer.WriteString("request_id"u8, context.RequestId());
    }
}
