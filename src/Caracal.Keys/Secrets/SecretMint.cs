using System.Buffers.Text;
using System.Security.Cryptography;

namespace Caracal.Keys.Secrets;

/// <summary>The one place that mints secrets handed to callers: a prefix and 32 random bytes (spec ruling 1).</summary>
public static class SecretMint
{
    /// <summary><c>cs_</c> + 43 base64url characters (api.md 5).</summary>
    public static string ClientSecret() => Prefixed("cs_");

    /// <summary><c>ws_</c> + 43 base64url characters (api.md 6).</summary>
    public static string WorkloadSecret() => Prefixed("ws_");

    /// <summary><c>cat_</c> + 43 base64url characters (api.md 2.1).</summary>
    public static string AdminToken() => Prefixed("cat_");

    /// <summary><c>nsk_</c> + 48 hex characters (audit.md 11).</summary>
    public static string SinkSecret()
    {
        Span<byte> random = stackalloc byte[24];
        RandomNumberGenerator.Fill(random);
        var secret = "nsk_" + Convert.ToHexStringLower(random);
        CryptographicOperations.ZeroMemory(random);
        return secret;
    }

    /// <summary>43 base64url characters nobody can guess: a consent's state, a PKCE verifier (api.md 11.3).</summary>
    public static string RandomText() => Prefixed("");

    private static string Prefixed(string prefix)
    {
        Span<byte> random = stackalloc byte[32];
        RandomNumberGenerator.Fill(random);
        var secret = prefix + Base64Url.EncodeToString(random);
        CryptographicOperations.ZeroMemory(random);
        return secret;
    }
}
