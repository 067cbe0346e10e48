using System.Security.Cryptography;

namespace Caracal.Rego.Builtins;

/// <summary>Digests, as lower-case hexadecimal text.</summary>
internal static class CryptoBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        // MD5 and SHA-1 are part of the language; policies compare digests made elsewhere.
#pragma warning disable CA5350, CA5351
        Digest("crypto.md5", MD5.HashData);
        Digest("crypto.sha1", SHA1.HashData);
        Digest("crypto.sha256", SHA256.HashData);
        Keyed("crypto.hmac.md5", HMACMD5.HashData);
        Keyed("crypto.hmac.sha1", HMACSHA1.HashData);
        Keyed("crypto.hmac.sha256", HMACSHA256.HashData);
        Keyed("crypto.hmac.sha512", HMACSHA512.HashData);
#pragma warning restore CA5350, CA5351
        all.Add("crypto.hmac.equal", ["string", "string"], static (in c) =>
            RegoValue.Boolean(CryptographicOperations.FixedTimeEquals(Encodings.Bytes(c.Text(0)), Encodings.Bytes(c.Text(1)))));

        void Digest(string name, Func<byte[], byte[]> hash) =>
            all.Add(name, ["string"], (in c) => RegoValue.String(Convert.ToHexString(hash(Encodings.Bytes(c.Text(0)))).ToLowerInvariant()));

        void Keyed(string name, Func<byte[], byte[], byte[]> hash) =>
            all.Add(name, ["string", "string"], (in c) =>
                RegoValue.String(Convert.ToHexString(hash(Encodings.Bytes(c.Text(1)), Encodings.Bytes(c.Text(0)))).ToLowerInvariant()));
    }
}
