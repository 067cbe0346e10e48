using System.Collections.Concurrent;
using System.Collections.Frozen;
using Caracal.Authority.TokenExchange;
using Caracal.Egress.Providers;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Jwks;
using Caracal.Sts.Policies;
using Caracal.Sts.Providers;

namespace Caracal.Sts.Zones;

/// <summary>A zone's configuration at one version, indexed for the exchange. Immutable but for caches of what follows from it.</summary>
internal sealed class ZoneState
{
    private readonly FrozenDictionary<string, ExchangeApplication> _applications;
    private readonly FrozenDictionary<string, ExchangeResource> _resources;
    private readonly FrozenDictionary<string, ProviderRow> _providers;
    private readonly FrozenDictionary<string, SubjectIssuerRow> _issuers;

    public ZoneState(ZoneConfiguration configuration, PolicyBundle policy, ZoneKeySet keys)
    {
        ZoneId = configuration.ZoneId;
        Version = configuration.Version;
        IsArchived = configuration.IsArchived;
        PolicySet = configuration.PolicySet;
        Policy = policy;
        Keys = keys;
        _applications = configuration.Applications.ToFrozenDictionary(a => a.Id, StringComparer.Ordinal);
        _issuers = configuration.SubjectIssuers.ToFrozenDictionary(i => i.Issuer, StringComparer.Ordinal);
        _providers = configuration.Providers.ToFrozenDictionary(p => p.Id, StringComparer.Ordinal);

        // A resource answers to its identifier and to its row id; where both meet, the identifier wins.
        var resources = new Dictionary<string, ExchangeResource>(configuration.Resources.Length * 2, StringComparer.Ordinal);
        foreach (var resource in configuration.Resources)
        {
            resources[resource.Identifier] = resource;
        }

        foreach (var resource in configuration.Resources)
        {
            resources.TryAdd(resource.Id, resource);
        }

        _resources = resources.ToFrozenDictionary(StringComparer.Ordinal);
    }

    public string ZoneId { get; }

    /// <summary>The number of <c>zone_versions</c> all of this was read at.</summary>
    public long Version { get; }
    public bool IsArchived { get; }
    public ActivePolicySet? PolicySet { get; }
    public PolicyBundle Policy { get; }
    public ZoneKeySet Keys { get; }

    /// <summary>Directives already built from this version's providers; a change of provider or secret is a new version.</summary>
    public ConcurrentDictionary<string, UpstreamDirective> Directives { get; } = new(StringComparer.Ordinal);

    /// <summary>Token endpoint clients already read from this version's providers.</summary>
    public ConcurrentDictionary<string, OAuthCredentials> Clients { get; } = new(StringComparer.Ordinal);

    public ExchangeApplication? FindApplication(string id) => _applications.GetValueOrDefault(id);

    public ExchangeResource? FindResource(string identifierOrId) => _resources.GetValueOrDefault(identifierOrId);

    public ProviderRow? FindProvider(string id) => _providers.GetValueOrDefault(id);

    /// <summary>The issuer by its exact text.</summary>
    public SubjectIssuerRow? FindIssuer(string issuer) => _issuers.GetValueOrDefault(issuer);

    public EcPublicKey? FindVerificationKey(string? keyId) => Keys.Published.Find(keyId);
}
