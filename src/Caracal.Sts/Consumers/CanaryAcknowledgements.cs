using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Consumers;

/// <summary>
/// Which canary revocations this instance has handled for the group <c>sts-revocation</c> (operations.md 4.7, V4). They revoke
/// nothing, so nothing else would show that the group is alive; the last few are remembered.
/// </summary>
internal sealed class CanaryAcknowledgements
{
    private const string Prefix = "canary-";
    private const int Remembered = 64;

    private readonly Lock _gate = new();
    private readonly Queue<string> _anchors = new();

    /// <summary>Remembers a canary; anything else is not one.</summary>
    public void Note(string? anchor)
    {
        if (anchor is null || !anchor.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return;
        }

        lock (_gate)
        {
            _anchors.Enqueue(anchor);
            if (_anchors.Count > Remembered)
            {
                _anchors.Dequeue();
            }
        }
    }

    public bool Holds(string anchor)
    {
        lock (_gate)
        {
            return _anchors.Contains(anchor);
        }
    }
}

/// <summary><c>GET /internal/revocations/{anchor}</c>: whether this instance handled a canary revocation.</summary>
internal sealed class ShowAcknowledgement(CanaryAcknowledgements canaries, MetricsAccess access)
{
    public Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!access.Allows(context.Request))
        {
            return ErrorBody.WriteAsync(context, StsErrors.NotFound);
        }

        var anchor = (string?)context.Request.RouteValues["anchor"] ?? "";
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("anchor"u8, anchor);
            writer.WriteBoolean("acknowledged"u8, canaries.Holds(anchor));
            writer.WriteEndObject();
        });
    }
}
