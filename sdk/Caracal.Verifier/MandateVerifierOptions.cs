using System.Net;
using Caracal.Verifier.Revocations;

namespace Caracal.Verifier;

/// <summary>Whom a resource server trusts and what it accepts (gateway.md B1).</summary>
public sealed record MandateVerifierOptions
{
    /// <summary>Equals the mandate's <c>iss</c> exactly and is where the JWKS is.</summary>
    public required string Issuer { get; init; }

    /// <summary>This server's resource id; the mandate's <c>aud</c> must contain it.</summary>
    public required string Audience { get; init; }

    /// <summary>The zone whose keys are trusted. Never taken from a token, and the same for every route.</summary>
    public required string ZoneId { get; init; }

    /// <summary>Where revocations are known.</summary>
    public required IRevocationStore Revocations { get; init; }

    /// <summary>What every mandate must carry.</summary>
    public MandateRequirements Requirements { get; init; } = new();

    /// <summary>Allows an http issuer on any host; without it only on this machine. Never for production.</summary>
    public bool AllowInsecureIssuer { get; init; }

    /// <summary>The caller's own HTTP client; it must not follow redirects. Null makes one.</summary>
    public HttpMessageInvoker? Http { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Reads <c>CARACAL_STS_URL</c>, <c>CARACAL_ZONE_ID</c> and <c>CARACAL_ALLOW_INSECURE_CONFIG_URLS</c>.</summary>
    public static MandateVerifierOptions FromEnvironment(
        string audience, IRevocationStore revocations, IReadOnlyDictionary<string, string?>? variables = null)
    {
        string? Read(string name) => variables is null ? Environment.GetEnvironmentVariable(name) : variables.GetValueOrDefault(name);
        return new MandateVerifierOptions
        {
            Issuer = (Read("CARACAL_STS_URL") ?? "").TrimEnd('/'),
            Audience = audience,
            ZoneId = Read("CARACAL_ZONE_ID") ?? "",
            Revocations = revocations,
            AllowInsecureIssuer = Read("CARACAL_ALLOW_INSECURE_CONFIG_URLS") == "true",
        };
    }

    /// <summary>Throws <see cref="ArgumentException"/> naming everything that is wrong at once.</summary>
    internal void Validate()
    {
        var faults = new List<string>();
        if (!Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme is not ("http" or "https"))
        {
            faults.Add("Issuer must be an absolute http(s) URL (CARACAL_STS_URL)");
        }
        else if (issuer.Scheme == "http" && !AllowInsecureIssuer && !IsThisMachine(issuer))
        {
            faults.Add("Issuer must be https (or this machine, or CARACAL_ALLOW_INSECURE_CONFIG_URLS=true)");
        }

        if (string.IsNullOrWhiteSpace(Audience))
        {
            faults.Add("Audience is required");
        }

        if (string.IsNullOrWhiteSpace(ZoneId))
        {
            faults.Add("ZoneId is required (CARACAL_ZONE_ID)");
        }

        if (Revocations is null)
        {
            faults.Add("Revocation store required");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join("; ", faults));
        }
    }

    private static bool IsThisMachine(Uri issuer) =>
        issuer.Host == "localhost" || (IPAddress.TryParse(issuer.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
