using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Signatures;

/// <summary>The three tokens the console derives from the deployment token (api.md 2.4).</summary>
public static class ConsoleTokens
{
    public static string ReadOnly(SecretText adminToken) => Derive(adminToken, "caracal:console:read-only:v1"u8);

    public static string Write(SecretText adminToken) => Derive(adminToken, "caracal:console:write:v1"u8);

    public static string Approve(SecretText adminToken) => Derive(adminToken, "caracal:console:approve:v1"u8);

    private static string Derive(SecretText adminToken, ReadOnlySpan<byte> label)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(adminToken.Utf8, label, mac);
        return "cat_" + Base64Url.EncodeToString(mac);
    }
}

/// <summary>The <c>x-caracal-account</c> assertion that binds a console-derived token to one account (api.md 2.4).</summary>
public static class AccountAssertion
{
    /// <summary>Largest account id, in UTF-8 bytes.</summary>
    public const int MaxAccountBytes = 256;

    public static string Mint(SecretText adminToken, string accountId, DateTimeOffset expires)
    {
        var exp = expires.ToUnixTimeSeconds();
        return $"v1.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(accountId))}.{exp}.{Base64Url.EncodeToString(Mac(adminToken, accountId, exp))}";
    }

    /// <summary>The bound account under any loaded token slot; null when expired, malformed or signed by something else.</summary>
    public static string? Verify(Rings.TokenRing ring, string? assertion, DateTimeOffset now)
    {
        var parts = assertion?.Split('.');
        if (parts is not ["v1", var account64, var expText, var mac64]) return null;
        if (!long.TryParse(expText, System.Globalization.NumberStyles.None, null, out var exp) || exp <= now.ToUnixTimeSeconds()) return null;
        if (!TryDecode(account64, out var account) || account.Length is 0 or > MaxAccountBytes) return null;
        if (!TryDecode(mac64, out var mac)) return null;

        var accountId = Encoding.UTF8.GetString(account);
        var bound = false;
        foreach (var (_, token) in ring.Tokens.All())
        {
            bound |= CryptographicOperations.FixedTimeEquals(Mac(token, accountId, exp), mac);
        }

        return bound ? accountId : null;
    }

    private static byte[] Mac(SecretText adminToken, string accountId, long exp) =>
        HMACSHA256.HashData(adminToken.Utf8, Encoding.UTF8.GetBytes($"caracal:account:v1:{accountId}:{exp}"));

    private static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = [];
        if (!Base64Url.IsValid(text)) return false;
        bytes = Base64Url.DecodeFromChars(text);
        return true;
    }
}
