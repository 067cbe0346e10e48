using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.Keys.Signatures;
using Caracal.Protocol;

namespace Caracal.Egress.Providers;

/// <summary>The signed assertions of RFC 7523 (sts.md 9.2). Null when the key or the certificate cannot be used.</summary>
public static class Assertions
{
    private const int GrantSeconds = 300;
    private const int ClientSeconds = 60;

    /// <summary>The assertion that is the grant: who the token is for.</summary>
    public static string? Grant(OAuthClient client, string privateKey, DateTimeOffset now) =>
        Sign(client, privateKey, writer =>
        {
            writer.WriteString("iss"u8, client.ClientId);
            writer.WriteString("sub"u8, client.AssertionSubject);
            writer.WriteString("aud"u8, client.AssertionAudience);
            WriteLife(writer, now, GrantSeconds);
            if (!client.Scopes.IsEmpty)
            {
                writer.WriteString("scope"u8, string.Join(' ', client.Scopes));
            }
        });

    /// <summary>The assertion in place of a client secret.</summary>
    public static string? Client(OAuthClient client, string privateKey, DateTimeOffset now) =>
        Sign(client, privateKey, writer =>
        {
            writer.WriteString("iss"u8, client.ClientId);
            writer.WriteString("sub"u8, client.ClientId);
            writer.WriteString("aud"u8, client.TokenEndpoint.OriginalString);
            WriteLife(writer, now, ClientSeconds);
        });

    private static void WriteLife(Utf8JsonWriter writer, DateTimeOffset now, int seconds)
    {
        writer.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
        writer.WriteNumber("exp"u8, now.ToUnixTimeSeconds() + seconds);
        writer.WriteString("jti"u8, Ids.NewRandom());
    }

    private static string? Sign(OAuthClient client, string privateKey, Action<Utf8JsonWriter> claims)
    {
        using var key = AssertionKey.TryRead(privateKey);
        if (key is null)
        {
            return null;
        }

        try
        {
            var header = Encode(writer => WriteHeader(writer, client, key.Algorithm));
            var signed = $"{header}.{Encode(claims)}";
            return $"{signed}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
        }
        catch (CryptographicException)
        {
            return null; // the certificate cannot be read
        }
    }

    private static void WriteHeader(Utf8JsonWriter writer, OAuthClient client, string algorithm)
    {
        writer.WriteString("alg"u8, algorithm);
        writer.WriteString("typ"u8, "JWT"u8);
        if (client.KeyId is { } keyId)
        {
            writer.WriteString("kid"u8, keyId);
        }

        if (client.Certificate is { } pem)
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            writer.WriteString("x5t"u8, Thumbprint(certificate, HashAlgorithmName.SHA1));
            writer.WriteString("x5t#S256"u8, Thumbprint(certificate, HashAlgorithmName.SHA256));
        }
    }

    // SHA-1 names the certificate for servers that know no other name; nothing is proved by it.
    private static string Thumbprint(X509Certificate2 certificate, HashAlgorithmName hash) =>
        Base64Url.EncodeToString(certificate.GetCertHash(hash));

    private static string Encode(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }
}
