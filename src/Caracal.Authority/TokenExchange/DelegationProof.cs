using System.Collections.Immutable;
using Caracal.Authority.Delegations;
using Caracal.Protocol.Mandates;

namespace Caracal.Authority.TokenExchange;

/// <summary>A Delegation that stood every check of sts.md 7: what the mandate may say about it.</summary>
public sealed record DelegationProof
{
    public required EdgeFacts Edge { get; init; }
    public required DelegationConstraints Constraints { get; init; }
    public required SessionFacts Source { get; init; }
    public required SessionFacts Target { get; init; }

    /// <summary>Edge ids, root first.</summary>
    public required ImmutableArray<string> Path { get; init; }

    /// <summary>Those of the path that carry a budget, root first; nearly always none.</summary>
    public ImmutableArray<string> Budgeted { get; init; } = [];

    /// <summary>One hop per edge, then the receiver.</summary>
    public required ImmutableArray<DelegationHop> Chain { get; init; }

    public required long Epoch { get; init; }

    /// <summary>True when the edge covers this resource (sts.md 2.2 step 3).</summary>
    public bool Covers(ExchangeResource resource) =>
        (string.IsNullOrEmpty(Edge.ResourceId) || string.Equals(Edge.ResourceId, resource.Id, StringComparison.Ordinal))
        && (Constraints.Resources is not { Count: > 0 } resources || Scopes.Contains(resources, resource.Identifier));
}
