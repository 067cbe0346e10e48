using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.Providers;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.Resources;

/// <summary>
/// Whether an upstream verifies mandates: it is shown one that a key nobody knows signed, and has to refuse it (api.md 8).
/// </summary>
internal sealed class ResourceCheck(OutboundHttp http, DatabaseClock clock)
{
    public const string Guarded = "guarded";
    public const int PerMinute = 10;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Only resources that receive the mandate itself can be verified so.</summary>
    public static bool Supports(ProviderRow? provider, string? upstreamUrl) =>
        provider?.ProviderKind == ProviderKinds.CaracalMandate && upstreamUrl is not null;

    public async Task<CheckResult> RunAsync(string zoneId, string identifier, string upstreamUrl, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, upstreamUrl);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Forged(zoneId, identifier));
        if (await http.AskAsync(request, cancellationToken, Timeout, plainToo: true) is not { } answer)
        {
            return new CheckResult(ConnectivityRules.Unreachable, "the upstream did not answer, or may not be called", clock.Now);
        }

        return answer.Status switch
        {
            401 or 403 => new CheckResult(Guarded, $"the upstream refused a forged mandate with {answer.Status}", clock.Now),
            >= 200 and < 300 => new CheckResult("unverified", "the upstream accepted a forged mandate", clock.Now),
            _ => new CheckResult(ConnectivityRules.EndpointError, $"the upstream answered {answer.Status}", clock.Now),
        };
    }

    // Well-formed in everything but its signer, so that only verification can tell.
    private string Forged(string zoneId, string audience)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = clock.Now.ToUnixTimeSeconds();
        var signed = Encode($$"""{"alg":"ES256","typ":"JWT","kid":"{{Ids.New()}}"}""") + "." + Encode(
            System.Text.Json.JsonSerializer.Serialize(
                new Dictionary<string, object>
                {
                    ["iss"] = "https://unknown.invalid",
                    ["sub"] = "caracal-connectivity-check",
                    ["aud"] = audience,
                    ["zone_id"] = zoneId,
                    ["use"] = "resource",
                    ["scope"] = "",
                    ["iat"] = now,
                    ["exp"] = now + 60,
                    ["jti"] = Ids.NewRandom(),
                }));
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
