using System.Collections.Immutable;

namespace Caracal.Authority.TokenExchange;

/// <summary>A protected resource as the exchange sees it.</summary>
public sealed record ExchangeResource
{
    public required string Id { get; init; }
    public required string Identifier { get; init; }
    public string? UpstreamUrl { get; init; }
    public string? ProviderId { get; init; }
    public ImmutableArray<string> Scopes { get; init; } = [];
    public ImmutableArray<ResourceOperation> Operations { get; init; } = [];

    /// <summary>True for <c>operation_enforcement = enforced</c>; anything but <c>transport_uniform</c> enforces.</summary>
    public bool OperationsEnforced { get; init; } = true;
}

/// <summary>One declared operation: an upper-case method, an exact path and the scope it needs (api.md 8).</summary>
public sealed record ResourceOperation(string Method, string Path, string Scope);
