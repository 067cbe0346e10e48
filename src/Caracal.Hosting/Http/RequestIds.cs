using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Http;

/// <summary>Which request ids a service takes over from its caller, and what it makes in place of others.</summary>
public enum RequestIdRule
{
    /// <summary>1 to 128 characters in 0x21–0x7E, else a UUIDv7 (sts.md 1).</summary>
    Visible,

    /// <summary>The same, else a UUIDv4 (gateway.md A1).</summary>
    Gateway,

    /// <summary>API and Coordinator: <c>^[A-Za-z0-9_.\-:]{1,128}$</c> (api.md 1, coordinator.md 2).</summary>
    PathId,
}

/// <summary>The request id of a call: the caller's if the service's rule allows it, else a new one; echoed on every response.</summary>
public static class RequestIds
{
    /// <summary>The id of this request; set by the server before any handler runs.</summary>
    public static string RequestId(this HttpContext context) => context.TraceIdentifier;

    internal static void Assign(HttpContext context, RequestIdRule rule, string headerName)
    {
        var presented = context.Request.Headers[CaracalHeaders.RequestId];
        var id = presented.Count == 1 && presented[0] is { } text && IsAcceptable(text, rule) ? text : Ids.NewCorrelation(rule == RequestIdRule.Gateway ? 4 : 7);
        context.TraceIdentifier = id;
        context.Response.Headers[headerName] = id;
    }

    private static bool IsAcceptable(string id, RequestIdRule rule)
    {
        if (rule == RequestIdRule.PathId)
        {
            return Ids.IsPathId(id);
        }

        return id.Length is > 0 and <= 128 && !id.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e');
    }
}
