using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>Which rows one exchange asks for; null asks for none of that kind.</summary>
public readonly record struct ExchangeLookup(string ZoneId, string? RecordId, string? AgentSessionId, string? DelegationEdgeId);

/// <summary>What is stored about one exchange at one moment. It is never older than the last change of authority, so that a revocation holds at once.</summary>
public sealed record ExchangeFacts
{
    /// <summary>The zone's configuration version; 0 when the zone was never written.</summary>
    public long ZoneVersion { get; init; }

    /// <summary><see cref="Database.AuthorityVersion"/> before these were read; null where there is none.</summary>
    public long? AuthorityVersion { get; init; }
    public RecordFacts? Record { get; init; }
    public SessionFacts? Session { get; init; }

    /// <summary>Null when no edge was named or the named one does not exist.</summary>
    public DelegationFacts? Delegation { get; init; }
}
