using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Tests;

internal static class TestKeys
{
    public static readonly HmacKey T = Key([.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))]);
    public static readonly HmacKey K1 = Key([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
    public static readonly HmacKey K2 = Key([.. Enumerable.Range(32, 32).Select(i => (byte)i)]);
    public static readonly HmacKey B = Key(SHA256.HashData("caracal test audit key B"u8));

    public static HmacKey Key(byte[] material) => new(KeyClass.AuditHmac, material);

    public static HmacKeyRing Ring(HmacKey current, HmacKey? next = null, HmacKey[]? previous = null, HmacKey[]? archive = null) =>
        new(new HmacKeySet(KeyClass.AuditHmac, current, next, previous, archive));

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
