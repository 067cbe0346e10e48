namespace Caracal.Protocol.Exchange;

/// <summary>The STS's answer to the Gateway. Exactly one of <see cref="Grant"/> and <see cref="Failure"/> is set; the default refuses.</summary>
public readonly record struct ExchangeOutcome
{
    public ExchangeGrant? Grant { get; init; }
    public ExchangeFailure? Failure { get; init; }

    public static ExchangeOutcome Granted(ExchangeGrant grant) => new() { Grant = grant };

    public static ExchangeOutcome Failed(ExchangeFailure failure) => new() { Failure = failure };
}

/// <summary>A successful exchange: the resource mandate and how to call upstream.</summary>
/// <param name="AccessToken">The <c>use=resource</c> mandate; null when both share a process and it goes nowhere.</param>
/// <param name="ExpiresIn">Whole seconds.</param>
/// <param name="Upstream">The private directive of the resource; null when none was configured.</param>
public sealed record ExchangeGrant(string? AccessToken, int ExpiresIn, UpstreamDirective? Upstream);

/// <summary>A refused or failed exchange.</summary>
/// <param name="Refusal">What the Gateway's caller sees.</param>
/// <param name="Authenticated">True when the STS itself answered; false for transport faults, which count for the circuit.</param>
public sealed record ExchangeFailure(Refusal Refusal, bool Authenticated)
{
    /// <summary>Members of an approval hold that pass through (gateway.md A8), or null.</summary>
    public ApprovalHold? Hold { get; init; }
}

/// <summary>An approval hold as it passes through the Gateway (sts.md 8.2).</summary>
public sealed record ApprovalHold(string ApprovalId, string State, string? Tier, string Binding, string ExpiresAt);

/// <summary>How to call upstream and which credential to inject (sts.md 9.1). Private to Gateway and STS; never logged.</summary>
public sealed record UpstreamDirective
{
    public string Url { get; init; } = "";
    public string AuthMode { get; init; } = "";
    public string? AuthLocation { get; init; }
    public string? AuthHeader { get; init; }
    public string? QueryParamName { get; init; }
    public string? AuthScheme { get; init; }
    public IReadOnlyList<string> AllowedTokenHosts { get; init; } = [];
    public string? ProviderToken { get; init; }
    public string? ProviderId { get; init; }
    public string? ConnectionId { get; init; }
    public bool ForwardCaracalIdentity { get; init; }
    public long? ExpiresAt { get; init; }

    /// <summary>Ours: false only for a <c>transport_uniform</c> resource. An STS that does not say it is taken to enforce.</summary>
    public bool OperationsEnforced { get; init; } = true;

    /// <summary>Ours: the delegations, from the root on, that carry a budget this call must be taken from; empty for nearly every call.</summary>
    public IReadOnlyList<string> BudgetEdges { get; init; } = [];

    /// <summary>Ours: set while it is counted what upstreams say to a credential that was put in use a moment ago.</summary>
    public CredentialWatch? Watch { get; init; }

    /// <summary>Hides the credential from logs and debuggers.</summary>
    public override string ToString() => $"UpstreamDirective({AuthMode})";
}

/// <summary>Names a credential whose answers are counted, in the state that all replicas share.</summary>
/// <param name="ProviderId">Whose credential it is.</param>
/// <param name="Version">The provider's credential version.</param>
/// <param name="Until">Unix seconds after which nobody counts.</param>
public sealed record CredentialWatch(string ProviderId, long Version, long Until)
{
    /// <summary>Counter of every answer.</summary>
    public string AnswersKey => $"credential-watch:{ProviderId}:{Version}:answers";

    /// <summary>Counter of the answers that refused the credential.</summary>
    public string RefusalsKey => $"credential-watch:{ProviderId}:{Version}:refusals";
}
