using System.Diagnostics;
using System.Globalization;

namespace Caracal.Hosting.Tracing;

/// <summary>
/// What all spans have in common (operations.md 6.4). Nothing is made while nobody listens. Attributes name what was asked
/// of whom and how it ended; paths, queries, headers and bodies are in none, because callers put secrets there.
/// </summary>
public static class Spans
{
    /// <summary>How the names of all sources begin: <c>caracal.sts</c> and so on, one for each role.</summary>
    public const string SourcePrefix = "caracal.";

    internal const string RequestIdTag = "caracal.request_id";

    private const string ParentHeader = "traceparent";
    private const string StateHeader = "tracestate";
    private const int ServerError = 500;

    // A process of the embedded stack plays every role, and an outer program may have activities of its own.
    /// <summary>The span that this call is in; null when it is in none of ours.</summary>
    public static Activity? Current =>
        Activity.Current is { } current && current.Source.Name.StartsWith(SourcePrefix, StringComparison.Ordinal) ? current : null;

    /// <summary>The request that a span belongs to; null where it belongs to none.</summary>
    public static string? RequestIdOf(Activity span)
    {
        for (var up = span; up is not null; up = up.Parent)
        {
            if (up.GetTagItem(RequestIdTag) is string id) return id;
        }

        return null;
    }

    /// <summary>The source of a role's spans.</summary>
    public static ActivitySource SourceOf(string role) => new(SourcePrefix + role);

    /// <summary>Begins the span of an outgoing call as part of the current one; null when that is not recorded.</summary>
    public static Activity? StartCall(string method, Uri target)
    {
        if (Current is not { IsAllDataRequested: true } current) return null;
        var known = MethodOf(method);
        return current.Source.StartActivity(known, ActivityKind.Client)
            ?.SetTag("http.request.method", known)
            .SetTag("server.address", target.Host)
            .SetTag("server.port", target.Port);
    }

    /// <summary>Tells the callee whose child its span is.</summary>
    public static void Continue(HttpRequestMessage request)
    {
        if (Current is not { Id: { } parent } current) return;
        request.Headers.Remove(ParentHeader);
        request.Headers.Remove(StateHeader);
        request.Headers.TryAddWithoutValidation(ParentHeader, parent);
        if (current.TraceStateString is { Length: > 0 } state) request.Headers.TryAddWithoutValidation(StateHeader, state);
    }

    /// <summary>Records the answer of an outgoing call: from 400 on it failed.</summary>
    public static void Answered(this Activity? span, int status) => Finish(span, status, firstError: 400);

    /// <summary>Records that an outgoing call got no answer.</summary>
    public static void Failed(this Activity? span, Exception fault) =>
        span?.SetTag("error.type", fault.GetType().FullName).SetStatus(ActivityStatusCode.Error);

    /// <summary>Records what a service answered: only its own faults are errors.</summary>
    public static void Served(this Activity? span, int status) => Finish(span, status, ServerError);

    /// <summary>The method, or <c>_OTHER</c>: callers may invent methods without end.</summary>
    public static string MethodOf(string method) => method switch
    {
        "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" or "CONNECT" or "TRACE" => method,
        _ => "_OTHER",
    };

    private static void Finish(Activity? span, int status, int firstError)
    {
        if (span is null) return;
        span.SetTag("http.response.status_code", status);
        if (status < firstError) return;
        span.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture));
        span.SetStatus(ActivityStatusCode.Error);
    }
}
