using System.Text.Json;
using Caracal.Coordinator.Authentication;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Requests;

/// <summary>One authenticated request on its way through a handler.</summary>
internal sealed class Call
{
    public required HttpContext Http { get; init; }
    public required Caller Caller { get; init; }
    public required Route Route { get; init; }

    /// <summary>Path ids by name, checked.</summary>
    public required IReadOnlyDictionary<string, string> Ids { get; init; }

    /// <summary>Undefined when there is none.</summary>
    public required JsonElement Body { get; init; }

    public CancellationToken Aborted => Http.RequestAborted;

    public string ZoneId => Ids["zoneId"];

    public string Id => Ids["id"];

    public string RequestId => Http.RequestId();

    /// <summary>The query parameter; null when absent. Given twice, it is refused as text no rule allows.</summary>
    public string? Query(string name)
    {
        var values = Http.Request.Query[name];
        return values.Count switch
        {
            0 => null,
            1 => values[0] ?? "",
            _ => "\0",
        };
    }

    /// <summary>True once the admin ledger holds a row for this call.</summary>
    public bool Audited { get; set; }
}

/// <summary>A handler.</summary>
internal delegate Task<Reply> Handler(Call call);

/// <summary>One route of the service.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Template">Path with names in braces.</param>
/// <param name="Handler">What answers.</param>
internal sealed record Route(string Method, string Template, Handler Handler)
{
    /// <summary>The operator token may call it (coordinator.md 3, allow-list).</summary>
    public bool Operator { get; init; }

    /// <summary>Leaves no row in the admin ledger (coordinator.md 14, 19.8).</summary>
    public bool Unaudited { get; init; }

    /// <summary>Hands out authority that ends at a time; refused while nobody is sure of the time (README ruling 10). Ending it never is.</summary>
    public bool Issues { get; init; }

    public string[] Segments { get; } = Template.Split('/');

    /// <summary>True for a method that changes something.</summary>
    public bool Mutates => Method != HttpMethods.Get;
}
