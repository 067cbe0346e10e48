using System.Collections.Immutable;

namespace Caracal.Authority.TokenExchange;

/// <summary>An application as the exchange sees it. Holds hashes of secrets, never a secret.</summary>
public sealed record ExchangeApplication
{
    public required string Id { get; init; }
    public required string ZoneId { get; init; }
    public required string Name { get; init; }
    public required string RegistrationMethod { get; init; }
    public string? SecretHash { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public ImmutableArray<string> Traits { get; init; } = [];

    /// <summary>Overlapping previous secrets, newest first (operations.md 4.6.9).</summary>
    public ImmutableArray<PreviousSecret> PreviousSecrets { get; init; } = [];

    /// <summary>False once past its expiry.</summary>
    public bool IsLive(DateTimeOffset now) => ExpiresAt is null || ExpiresAt > now;
}

/// <summary>A replaced secret that still works until its overlap ends.</summary>
public sealed record PreviousSecret(string Id, string Hash, DateTimeOffset? ExpiresAt);
