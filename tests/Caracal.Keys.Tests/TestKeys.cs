using Caracal.Keys.Rings;

namespace Caracal.Keys.Tests;

internal static class TestKeys
{
    public static readonly byte[] T = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];
    public static readonly byte[] K1 = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    public static readonly byte[] K2 = [.. Enumerable.Range(32, 32).Select(i => (byte)i)];

    public static HmacKeyRing Ring(byte[] key) => HmacKeyRing.Of(KeyClass.StreamsHmac, key);

    public static HmacKeyRing Ring(string hex) => Ring(Convert.FromHexString(hex));

    // A fixed key that looks random, so no weak-pattern rule refuses it.
    public static string Strong(string name) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)));
}
