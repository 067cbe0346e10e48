using System.Collections.Immutable;
using Caracal.Authority.Delegations;
using Caracal.Rego;

namespace Caracal.Authority.TokenExchange;

/// <summary>An authority record as stored (sts.md 6.4).</summary>
public sealed record RecordFacts(
    string Id, string SessionType, string SubjectId, string? ParentId, string Status, DateTimeOffset ExpiresAt)
{
    public bool IsUser => SessionType == "user";

    public bool IsLive(DateTimeOffset now) => Status == "active" && ExpiresAt > now;
}

/// <summary>A governed Session as stored, with the authority record it is attributed to.</summary>
public sealed record SessionFacts
{
    public required string Id { get; init; }
    public required string ApplicationId { get; init; }
    public string? ParentId { get; init; }
    public required string Status { get; init; }
    public int Depth { get; init; }
    public ImmutableArray<string> Labels { get; init; } = [];
    public required string Lifecycle { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public long? TtlSeconds { get; init; }
    public DateTimeOffset? HeartbeatDeadlineAt { get; init; }
    public required string SubjectRecordId { get; init; }

    /// <summary>Null when the record does not exist any more.</summary>
    public RecordFacts? SubjectRecord { get; init; }

    /// <summary>When a task Session ends; null for a service.</summary>
    public DateTimeOffset? TaskEnd =>
        Lifecycle != "service" && TtlSeconds is { } ttl ? StartedAt.AddSeconds(ttl) : null;

    /// <summary>sts.md 7: active, its user (if any) still authorised, its lease or life not over.</summary>
    public bool IsActive(DateTimeOffset now)
    {
        if (Status != "active" || SubjectRecord is null || (SubjectRecord.IsUser && !SubjectRecord.IsLive(now)))
        {
            return false;
        }

        return Lifecycle == "service"
            ? HeartbeatDeadlineAt > now
            : TtlSeconds > 0 && TaskEnd > now;
    }
}

/// <summary>A delegation edge as stored.</summary>
public sealed record EdgeFacts
{
    public required string Id { get; init; }
    public required string SourceSessionId { get; init; }
    public required string TargetSessionId { get; init; }
    public required string IssuerApplicationId { get; init; }
    public required string ReceiverApplicationId { get; init; }
    public string? ParentEdgeId { get; init; }
    public string? ResourceId { get; init; }
    public ImmutableArray<string> Scopes { get; init; } = [];
    public string? ConstraintsJson { get; init; }

    /// <summary>What <see cref="ConstraintsJson"/> says, read once; null when it is not one of ours.</summary>
    public DelegationConstraints? Constraints => Read().Constraints;

    /// <summary>What policy sees of <see cref="ConstraintsJson"/>, made once; null when it says nothing.</summary>
    /// <exception cref="FormatException">It is no JSON.</exception>
    public RegoValue? ConstraintsDocument => ConstraintsJson is { Length: > 2 } ? Read().Document : null;

    public required string Status { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public long EdgeVersion { get; init; }

    /// <summary>An inherited copy (coordinator.md 5): it lengthens the lineage but is not a hop of delegation.</summary>
    public bool IsMirror { get; init; }

    /// <summary>Its uses are counted at the Gateway.</summary>
    public bool HasBudget { get; init; }

    public bool IsLive(DateTimeOffset now) => Status == "active" && RevokedAt is null && ExpiresAt > now;

    // Of the text it was read from: a copy with another text reads again.
    private ReadConstraints? _read;

    private ReadConstraints Read() =>
        _read is { } read && ReferenceEquals(read.Json, ConstraintsJson) ? read : _read = new ReadConstraints(ConstraintsJson);

    private sealed class ReadConstraints(string? json)
    {
        private RegoValue? _document;

        public string? Json => json;

        public DelegationConstraints? Constraints { get; } = ConstraintReader.TryReadStored(json);

        public RegoValue Document => _document ??= RegoValue.FromJson(json!);

        // Of what was read, whether it was read or not makes no difference to two edges.
        public override bool Equals(object? other) => other is ReadConstraints read && read.Json == json;

        public override int GetHashCode() => json?.GetHashCode(StringComparison.Ordinal) ?? 0;
    }
}

/// <summary>Everything stored that a Delegation's proof needs, read at one moment.</summary>
public sealed record DelegationFacts
{
    /// <summary>The named edge first, then its ancestors as far as they exist; a gap or a loop ends the list early.</summary>
    public ImmutableArray<EdgeFacts> Lineage { get; init; } = [];

    public SessionFacts? Source { get; init; }

    /// <summary>The application of the root edge's source Session, read for chains of two or more edges.</summary>
    public string? RootApplicationId { get; init; }

    /// <summary>Zone epoch; 0 when the zone has none.</summary>
    public long Epoch { get; init; }
}
