using System.Collections.Immutable;
using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>Everything configured in a zone that an exchange may need, read at one moment.</summary>
public sealed record ZoneConfiguration
{
    public required string ZoneId { get; init; }

    /// <summary>The version all of this belongs to.</summary>
    public required long Version { get; init; }
    public bool IsArchived { get; init; }
    public ImmutableArray<ExchangeApplication> Applications { get; init; } = [];
    public ImmutableArray<ExchangeResource> Resources { get; init; } = [];
    public ImmutableArray<ProviderRow> Providers { get; init; } = [];
    public ActivePolicySet? PolicySet { get; init; }
    public ImmutableArray<SigningKeyRow> SigningKeys { get; init; } = [];
    public ImmutableArray<SubjectIssuerRow> SubjectIssuers { get; init; } = [];
}

/// <summary>A provider as stored.</summary>
public sealed record ProviderRow(string Id, string Kind, string ConfigJson);

/// <summary>A provider's public configuration with what is sealed for it, read at one moment.</summary>
public sealed record SealedProvider
{
    public string ConfigJson { get; init; } = "";

    /// <summary>One more with every credential that was put in use.</summary>
    public long CredentialVersion { get; init; }

    /// <summary>Until when the answers to this credential are counted; null when nobody looks.</summary>
    public DateTimeOffset? CredentialObservedUntil { get; init; }

    /// <summary>Null when nothing is sealed.</summary>
    public byte[]? Envelope { get; init; }
}

/// <summary>A foreign issuer whose users may come in (sts.md 2.5).</summary>
public sealed record SubjectIssuerRow(string Id, string Issuer, string JwksUrl, string Audience);

/// <summary>The active version of the zone's policy set.</summary>
public sealed record ActivePolicySet(string PolicySetId, string VersionId, string ManifestJson, string ManifestSha256);

/// <summary>A zone signing key as stored: sealed.</summary>
public sealed record SigningKeyRow(string KeyId, byte[] Envelope, long Version, string State, DateTimeOffset? ActivatesAt);
