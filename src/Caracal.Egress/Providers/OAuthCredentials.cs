using System.Security.Cryptography;
using System.Text;
using Caracal.Authority.Providers;
using Caracal.Protocol.Exchange;

namespace Caracal.Egress.Providers;

/// <summary>A provider's token endpoint client with its opened secrets. Lives as long as the zone's configuration; prints none of it.</summary>
public sealed class OAuthCredentials(OAuthClient client, string? clientSecret, string? privateKey, string fingerprint)
{
    public OAuthClient Client { get; } = client;
    public string? ClientSecret { get; } = clientSecret;
    public string? PrivateKey { get; } = privateKey;

    /// <summary>Names this configuration with these secrets; a token got with another is not used (sts.md 9.2).</summary>
    public string Fingerprint { get; } = fingerprint;

    /// <summary>The name the token endpoint's failures are counted under: a new credential starts with none.</summary>
    public string FailureName { get; private init; } = "";

    /// <summary>Set while answers to this credential are counted.</summary>
    public CredentialWatch? Watch { get; private init; }

    /// <summary>The same client as that of a provider's credential.</summary>
    public OAuthCredentials Of(string providerId, long credentialVersion, CredentialWatch? watch) => new(Client, ClientSecret, PrivateKey, Fingerprint)
    {
        FailureName = credentialVersion <= 1 ? providerId : $"{providerId}:{credentialVersion}",
        Watch = watch,
    };

    /// <summary>Null when a secret that the client's authentication needs is missing.</summary>
    public static OAuthCredentials? TryCreate(OAuthClient client, string kind, string configJson, IReadOnlyDictionary<string, string> secrets)
    {
        var secret = secrets.GetValueOrDefault("client_secret");
        var key = secrets.GetValueOrDefault("private_key");
        var complete = client.AuthMethod switch
        {
            "client_secret_basic" or "client_secret_post" => !string.IsNullOrEmpty(secret),
            "private_key_jwt" => !string.IsNullOrEmpty(key),
            _ => true,
        };
        return complete && (!client.IsJwtBearer || !string.IsNullOrEmpty(key))
            ? new OAuthCredentials(client, secret, key, FingerprintOf(kind, configJson, secrets))
            : null;
    }

    public override string ToString() => "***";

    private static string FingerprintOf(string kind, string config, IReadOnlyDictionary<string, string> secrets)
    {
        var sorted = string.Join('\0', secrets.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}\0{pair.Value}"));
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sorted)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{config}\0{digest}")));
    }
}
