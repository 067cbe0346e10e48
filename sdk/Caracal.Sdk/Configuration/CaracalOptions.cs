namespace Caracal.Sdk;

/// <summary>What a client is made of. Exactly one way to prove itself: a secret, a resolver, or a bootstrap token.</summary>
public sealed record CaracalOptions
{
    public string? ZoneId { get; init; }
    public string? ApplicationId { get; init; }

    /// <summary>With <see cref="ZoneId"/> and <see cref="ApplicationId"/>: the application's secret.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>Asked before every STS operation; null means there is none now, and the operation fails.</summary>
    public Func<CancellationToken, ValueTask<CaracalCredentials?>>? Resolver { get; init; }

    /// <summary>A fixed bearer; nothing can be minted with it.</summary>
    public string? BootstrapToken { get; init; }

    public string StsUrl { get; init; } = "http://localhost:8080";
    public string CoordinatorUrl { get; init; } = "http://localhost:4000";
    public string GatewayUrl { get; init; } = "http://localhost:8081";

    /// <summary>Ids or bindings; later ones win over earlier ones of the same id.</summary>
    public IReadOnlyList<ResourceBinding> Resources { get; init; } = [];

    /// <summary>Scope of the lifecycle token.</summary>
    public string LifecycleScope { get; init; } = "agent:lifecycle";

    /// <summary>Lifetime of block Sessions that name none, in seconds (1 to 86,400); null leaves it to the Coordinator.</summary>
    public int? DefaultTtlSeconds { get; init; }

    /// <summary>True demands https for every service except on this machine.</summary>
    public bool Production { get; init; }

    /// <summary>Lifts the https rule.</summary>
    public bool AllowInsecureUrls { get; init; }

    /// <summary>Repeats a start that was answered 429, as often as one that failed, waiting as the service asks (at most 10 s).</summary>
    public bool RetryWhenBusy { get; init; }

    /// <summary>Carries the client's own calls to the STS and the Coordinator; null takes one that follows no redirect. Not disposed.</summary>
    public HttpMessageHandler? Http { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Never a secret.</summary>
    public override string ToString() => $"CaracalOptions {{ {ZoneId}/{ApplicationId}, {StsUrl} }}";
}
