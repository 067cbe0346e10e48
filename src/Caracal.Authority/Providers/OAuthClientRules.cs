using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Caracal.Authority.Providers;

/// <summary>The two OAuth kinds: endpoints, client authentication and the keys it needs (api.md 7).</summary>
internal static class OAuthClientRules
{
    public const string Basic = "client_secret_basic";
    public const string Post = "client_secret_post";
    public const string PrivateKeyJwt = "private_key_jwt";
    public const string NoMethod = "none";

    public static string? ClientCredentials(ProviderConfig config, IReadOnlyCollection<string> stored)
    {
        config.Default("grant_type", "client_credentials");
        var jwtBearer = config.Text("grant_type") == "jwt_bearer";
        if (!jwtBearer && config.Text("grant_type") != "client_credentials") return "grant_type must be client_credentials or jwt_bearer";
        config.Default("client_auth_method", jwtBearer ? NoMethod : Basic);
        var method = config.Text("client_auth_method")!;
        return ProviderConfigRules.Required(config, "token_endpoint", "client_id")
            ?? Endpoint(config, "token_endpoint")
            ?? TokenHosts(config)
            ?? (method is Basic or Post or PrivateKeyJwt or NoMethod ? null : "client_auth_method is not supported")
            ?? Grant(config, jwtBearer, method)
            ?? Secrets(config, stored, jwtBearer, method);
    }

    public static string? AuthorizationCode(ProviderConfig config, IReadOnlyCollection<string> stored)
    {
        config.Default("client_auth_method", Basic);
        var method = config.Text("client_auth_method")!;
        return ProviderConfigRules.Required(config, "authorization_endpoint", "token_endpoint", "redirect_uri", "client_id")
            ?? Endpoint(config, "authorization_endpoint")
            ?? Endpoint(config, "token_endpoint")
            ?? (Uri.TryCreate(config.Text("redirect_uri"), UriKind.Absolute, out _) ? null : "redirect_uri must be an absolute URI")
            ?? TokenHosts(config)
            ?? RevocationEndpoint(config)
            ?? (method is Basic or Post or NoMethod ? null : "client_auth_method is not supported")
            ?? (method == NoMethod ? null : ProviderConfigRules.RequiredSecret(config, stored, "client_secret"));
    }

    private static string? Grant(ProviderConfig config, bool jwtBearer, string method)
    {
        if (jwtBearer)
        {
            if (method == PrivateKeyJwt) return "jwt_bearer excludes private_key_jwt";
            if (config.Has("audience") || config.Has("resource")) return "jwt_bearer excludes audience and resource";
        }
        else if (config.Has("assertion_subject") || config.Has("assertion_audience"))
        {
            return "assertion_subject and assertion_audience need jwt_bearer";
        }

        if (!jwtBearer && method != PrivateKeyJwt && (config.Has("key_id") || config.Secret("private_key") is not null))
        {
            return "key_id and private_key need private_key_jwt or jwt_bearer";
        }

        return config.Has("certificate") && method != PrivateKeyJwt ? "certificate needs private_key_jwt" : null;
    }

    private static string? Secrets(ProviderConfig config, IReadOnlyCollection<string> stored, bool jwtBearer, string method)
    {
        if (method == PrivateKeyJwt && config.Secret("client_secret") is not null) return "client_secret is not used with private_key_jwt";
        if (method is Basic or Post && ProviderConfigRules.RequiredSecret(config, stored, "client_secret") is { } missing) return missing;
        if ((jwtBearer || method == PrivateKeyJwt) && ProviderConfigRules.RequiredSecret(config, stored, "private_key") is { } noKey) return noKey;
        return Key(config);
    }

    private static string? Key(ProviderConfig config)
    {
        var pem = config.Secret("private_key");
        if (pem is not null && PublicPart(pem) is null) return "private_key cannot be read";
        if (config.Text("certificate") is not { } certificatePem) return null;
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(certificatePem);
            return pem is null || PublicPart(pem)!.AsSpan().SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo())
                ? null
                : "certificate does not match private_key";
        }
        catch (CryptographicException)
        {
            return "certificate cannot be read";
        }
    }

    private static byte[]? PublicPart(string pem)
    {
        foreach (var algorithm in new Func<AsymmetricAlgorithm>[] { RSA.Create, ECDsa.Create })
        {
            using var key = algorithm();
            try
            {
                key.ImportFromPem(pem);
                return key.ExportSubjectPublicKeyInfo();
            }
            catch (Exception fault) when (fault is CryptographicException or ArgumentException)
            {
                // The next algorithm may read it.
            }
        }

        return null;
    }

    private static string? Endpoint(ProviderConfig config, string field) =>
        Uri.TryCreate(config.Text(field), UriKind.Absolute, out var uri)
        && uri.Scheme == Uri.UriSchemeHttps && uri.Host.Length > 0 && uri.UserInfo.Length == 0
            ? null
            : $"{field} must be an https URL with a host and without user information";

    private static string? TokenHosts(ProviderConfig config)
    {
        config.Default("allowed_token_hosts", new[] { new Uri(config.Text("token_endpoint")!).IdnHost.ToLowerInvariant() });
        return null;
    }

    private static string? RevocationEndpoint(ProviderConfig config)
    {
        if (!config.Has("revocation_endpoint")) return null;
        return Endpoint(config, "revocation_endpoint")
            ?? (config.Texts("allowed_token_hosts")!.Contains(new Uri(config.Text("revocation_endpoint")!).IdnHost.ToLowerInvariant())
                ? null
                : "the host of revocation_endpoint must be in allowed_token_hosts");
    }
}
