using System.Text.Json;
using Caracal.Authority.AdminAccess;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Http;

/// <summary>One call of a management route, as far as the pipeline has got with it.</summary>
internal sealed class ApiCall(HttpContext context, string requestId, string path, DateTimeOffset now)
{
    private AdminCaller? _caller;

    public HttpContext Context { get; } = context;

    public string RequestId { get; } = requestId;

    /// <summary>The decoded path, without query.</summary>
    public string Path { get; } = path;

    public string Method => Context.Request.Method;

    /// <summary>Database time when the call arrived.</summary>
    public DateTimeOffset Now { get; } = now;

    public CancellationToken Cancelled => Context.RequestAborted;

    /// <summary>The authenticated caller; only a route that needs no token is reached without one.</summary>
    public AdminCaller Caller
    {
        get => _caller ?? throw new InvalidOperationException("this route was reached without a caller");
        set => _caller = value;
    }

    public bool IsAuthenticated => _caller is not null;

    /// <summary>Values of the path's placeholders.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The JSON body; null when none was sent.</summary>
    public JsonElement? Body { get; set; }

    /// <summary>The zone in the path.</summary>
    public string ZoneId => Parameters["zoneId"];

    /// <summary>The id of the addressed thing.</summary>
    public string Id => Parameters["id"];

    public Query Query { get; } = new(context.Request.Query);

    /// <summary>The body's members, unknown ones refused.</summary>
    public Fields Strict(Refusal invalid) => new(Body, invalid, strict: true);

    /// <summary>The body's members, unknown ones dropped.</summary>
    public Fields Loose(Refusal invalid) => new(Body, invalid, strict: false);

    /// <summary>Whether this caller may use the reserved namespace (api.md 2.3).</summary>
    public bool MayUse(bool reserved) => !reserved || Caller.IsDeployment;
}
