using System.Diagnostics.CodeAnalysis;
using Caracal.Authority.Approvals;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.TokenExchange;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Caracal.Storage.Approvals;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.Jwks;
using Caracal.Sts.PolicyShadows;
using Caracal.Sts.Providers;
using Caracal.Sts.Zones;

namespace Caracal.Sts.TokenExchange;

/// <summary>One exchange on its way through the steps: each reads what earlier ones found and adds its own. Belongs to one request.</summary>
internal sealed class Exchange(TokenRequest request, string requestId)
{
    public TokenRequest Request { get; set; } = request;

    public string RequestId { get; } = requestId;

    /// <summary>The Gateway's signature material; null when the request came without any Gateway header.</summary>
    public GatewayProof? GatewayProof { get; init; }

    /// <summary>Database time, taken once.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>The subject token, taken apart; its claims are trusted only after <see cref="SubjectVerified"/>.</summary>
    public MandateToken? Subject { get; set; }
    public bool SubjectVerified { get; set; }

    public ExchangeLookup Lookup { get; set; }
    public ExchangeFacts Facts { get; set; } = new();

    /// <summary>The zone's configuration; null when the zone does not exist.</summary>
    public ZoneState? Zone { get; set; }
    public ExchangeApplication? Application { get; set; }
    public bool ClientIsBlocked { get; set; }
    public bool IsControlKey { get; set; }

    /// <summary>The authority record this request stands on; null for a bootstrap.</summary>
    public RecordFacts? Record { get; set; }
    public SessionFacts? Session { get; set; }
    public DelegationProof? Delegation { get; set; }

    public List<ExchangeResource> Granted { get; } = new(1);
    public List<TierDeclaration>? StepUp { get; set; }

    /// <summary>Questions to put to a candidate once this is answered; null when there are none.</summary>
    public List<ShadowQuestion>? Shadowed { get; set; }
    public string? FirstDenyReason { get; set; }
    public bool WasRateLimited { get; set; }

    /// <summary>Why no credential of a user-consent provider was to be had; the first counts (sts.md 2.3).</summary>
    public Refusal? ProviderRefusal { get; set; }

    /// <summary>Tokens of user-consent providers, by resource row id.</summary>
    public Dictionary<string, ConnectionOutcome>? Connections { get; set; }

    /// <summary>The approval this exchange will spend.</summary>
    public Hold? Approval { get; set; }

    /// <summary>The hold a refusal shows to its caller.</summary>
    public Hold? ShownHold { get; set; }

    /// <summary>A consumed approval whose record gets a new bearer (sts.md 8.4).</summary>
    public Hold? Reissue { get; set; }
    public RecordFacts? ReissueRecord { get; set; }
    public PolicyRequest? PolicyRequest { get; set; }
    public long LifetimeSeconds { get; set; }
    public MandateClaims? Minted { get; set; }

    /// <summary>The key that signs <see cref="Minted"/>.</summary>
    public OpenedKey? Signer { get; set; }

    /// <summary>Signs no sooner than the token is asked for; who shares our process may never send it anywhere.</summary>
    public bool SignsOnDemand { get; init; }

    /// <summary>The mandate granted here, in ASCII; only a granted exchange has one.</summary>
    [AllowNull]
    public byte[] AccessToken
    {
        get => field ??= MandateSigner.Sign(Signer!, Minted!);
        set;
    }

    public Dictionary<string, UpstreamDirective>? Upstreams { get; set; }

    /// <summary>The mandate's claims once they are verified.</summary>
    public MandateClaims? SubjectClaims => SubjectVerified ? Subject!.Claims : null;

    public bool IsGateway => Request.IsGateway;

    public string ZoneId => Request.ZoneId ?? "";

    /// <summary>The scopes policy and audit call requested.</summary>
    public IReadOnlyList<string> Scopes => Request.Scopes;
}

/// <summary>What a signed call carried, kept as bytes because the signature covers them.</summary>
internal sealed record GatewayProof(string? Timestamp, string? Nonce, string? Signature, string Method, string Path, ReadOnlyMemory<byte> Body)
{
    /// <summary>The request id header, exactly as sent; the form field has to equal it.</summary>
    public string? RequestIdHeader { get; init; }
}
