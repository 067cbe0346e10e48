using System.Diagnostics;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Protocol.Context;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Tracing;

/// <summary>The span of one request at a role, child of whoever sent a valid <c>traceparent</c>.</summary>
internal static class ServerSpan
{
    /// <summary>Begins it; null when nobody listens.</summary>
    public static Activity? Start(ActivitySource source, HttpContext context)
    {
        if (!source.HasListeners()) return null;
        var method = Spans.MethodOf(context.Request.Method);
        var span = source.StartActivity(method, ActivityKind.Server, ParentOf(context.Request));

        // From the start on, so that the lines of the request carry it.
        if (span is { IsAllDataRequested: true }) span.SetTag(Spans.RequestIdTag, Redaction.Scrub(context.RequestId()));
        return span;
    }

    /// <summary>Records what was asked, by its route, and how it ended. The path stays out: agents put into it what they like.</summary>
    public static void Finish(Activity span, HttpContext context)
    {
        if (!span.IsAllDataRequested) return;
        var request = context.Request;
        var method = Spans.MethodOf(request.Method);
        if (context.TakenRoute() is { } route)
        {
            span.DisplayName = $"{method} {route}";
            span.SetTag("http.route", route);
        }

        span.SetTag("http.request.method", method);
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("network.protocol.version", request.Protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? request.Protocol[5..] : null);
        span.Served(context.Response.StatusCode);
    }

    private static ActivityContext ParentOf(HttpRequest request) =>
        request.Headers.TraceParent is [{ } parent] && TraceParent.IsValid(parent)
        && ActivityContext.TryParse(parent, request.Headers.TraceState.Count == 1 ? request.Headers.TraceState[0] : null, isRemote: true, out var context)
            ? context
            : default;
}
