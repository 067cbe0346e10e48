using System.Net;
using System.Text;
using System.Text.Json;
using Caracal.Protocol.Mandates;

namespace Caracal.Sdk.Configuration;

/// <summary>What makes options unusable (sdk.md 2); all faults are told at once.</summary>
internal static class OptionRules
{
    public static void Require(CaracalOptions options)
    {
        var faults = new List<string>();
        var secret = options.ClientSecret is { Length: > 0 };
        var modes = (secret ? 1 : 0) + (options.Resolver is null ? 0 : 1) + (options.BootstrapToken is { Length: > 0 } ? 1 : 0);
        if (modes != 1) faults.Add(modes == 0 ? "no credentials: give a client secret, a resolver or a bootstrap token" : "more than one kind of credentials");
        if (options.Resolver is null)
        {
            if (string.IsNullOrWhiteSpace(options.ZoneId)) faults.Add("ZoneId is required (CARACAL_ZONE_ID)");
            if (string.IsNullOrWhiteSpace(options.ApplicationId)) faults.Add("ApplicationId is required (CARACAL_APPLICATION_ID)");
        }

        CheckUrl(options.StsUrl, "StsUrl", options, faults);
        CheckUrl(options.CoordinatorUrl, "CoordinatorUrl", options, faults);
        CheckUrl(options.GatewayUrl, "GatewayUrl", options, faults);
        if (options.DefaultTtlSeconds is <= 0) faults.Add("DefaultTtlSeconds must be positive");
        foreach (var resource in options.Resources)
        {
            if (string.IsNullOrWhiteSpace(resource.ResourceId)) faults.Add("a resource without an id");
            if (resource.UpstreamPrefix is { } prefix && !IsAbsolute(prefix)) faults.Add($"{resource.ResourceId}: upstream prefix must be an absolute http(s) URL");
        }

        if (options.BootstrapToken is { Length: > 0 } token && TokenProblem(token, options.Time) is { } problem) faults.Add(problem);
        if (faults.Count > 0) throw new CaracalConfigurationException(string.Join("; ", faults));
    }

    public static bool IsAbsolute(string url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is ("http" or "https");

    private static void CheckUrl(string url, string name, CaracalOptions options, List<string> faults)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https")) faults.Add($"{name} must be an absolute http(s) URL");
        else if (options.Production && parsed.Scheme == "http" && !options.AllowInsecureUrls && !IsThisMachine(parsed)) faults.Add($"{name} must be https in production");
    }

    private static bool IsThisMachine(Uri url) =>
        url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    // Only what looks like a JWT is looked into; an opaque token passes.
    private static string? TokenProblem(string token, TimeProvider time)
    {
        var parts = token.Split('.');
        if (parts.Length != 3) return null;
        try
        {
            using var header = JsonDocument.Parse(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[0])));
            if (header.RootElement.TryGetProperty("alg", out var algorithm) && string.Equals(algorithm.GetString(), "none", StringComparison.OrdinalIgnoreCase))
            {
                return "the bootstrap token is not signed";
            }
        }
        catch (Exception fault) when (fault is FormatException or JsonException or InvalidOperationException)
        {
            return null;
        }

        return MandateToken.TryParse(token) is { } parsed && parsed.Claims.ExpiresAt > 0 && parsed.Claims.ExpiresAt <= time.GetUtcNow().ToUnixTimeSeconds()
            ? "the bootstrap token has expired"
            : null;
    }
}
