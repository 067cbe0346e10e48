namespace Caracal.Sdk;

/// <summary>Which requests carry the trace and the correlation data of the context.</summary>
public enum Propagation
{
    /// <summary>Requests to the Gateway only: nobody else learns of Sessions.</summary>
    GatewayOnly,

    /// <summary>Every request.</summary>
    Always,
}

/// <summary>How a transport sends the requests of the bound Session.</summary>
public sealed record TransportOptions
{
    /// <summary>With scopes each request carries a mandate of its own; without, the context's token.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>The resource of requests that name none and match no binding.</summary>
    public string? Resource { get; init; }

    /// <summary>Lifetime of each mandate in seconds; null leaves it to the STS.</summary>
    public int? TtlSeconds { get; init; }

    /// <summary>True sends with the application's own token when no context is bound.</summary>
    public bool AsApplication { get; init; }

    public Propagation Propagation { get; init; } = Propagation.GatewayOnly;

    /// <summary>What the request goes on to; null takes one that follows no redirect.</summary>
    public HttpMessageHandler? Inner { get; init; }
}

/// <summary>How an application acts for itself, outside of any Session of its own code.</summary>
public sealed record ApplicationTransportOptions
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Labels of the Sessions it starts, by which the policy gives roles; null takes the application's id.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>Lifetime of each mandate, in seconds.</summary>
    public int TtlSeconds { get; init; } = 900;

    /// <summary>What the request goes on to; null takes one that follows no redirect.</summary>
    public HttpMessageHandler? Inner { get; init; }
}
