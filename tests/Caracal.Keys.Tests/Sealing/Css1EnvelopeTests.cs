using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Sealing;

public class Css1EnvelopeTests
{
    private const string Operations = "43535331f32480bd9049e3be000102030405060708090a0b5d374f4c3a829dafd09e374e8d0fb971714b3ab0faaaba359b663932d28fba75229ee4d05665855dbb3efa42fc585e2e101112131415161718191a1b93231e60c5a21e1af59d28e7440e4d1a182d23eedd90623f0cc97bf1a5f155";
    private const string Storage = "4353533187e10fb226b90979000102030405060708090a0b9d26472253a809c56b64a9fc2b151c4f07a78f8bceebc7c760885f93c7287073cfe7e5f42162a8004e987e60924647880c0d0e0f10111213141516176dee0ab927a31a6a55dff9507d5119b8853ed082522dc4decdc01d00fb944fe8c2f3fd2d6b4426dbdb2f7d1c201a64ba0f621e097f4ef6565d6eaa26f7dd";
    private const string Sts = "43535331763afc65c2a9f08b000102030405060708090a0bb76b6653bca8d1d4c70552ee9b677f843edb32605b7ad82a74c951dca6be0e15f7c6b5e281bf43ecfdd148a97cf0a6be101112131415161718191a1b6c435f33696e9b11f14fdba8974776e19f0a6d8346c0c1dc203747eacef30ce85538be0650";

    public static TheoryData<string, string, string, string, string, string> Vectors => new()
    {
        { "6707f9748648acf023555ecd25588b034f189a556bc252dbbcfe1a1a9d455d5a", Hash("caracal test dek"), "101112131415161718191a1b", "zones/z1/providers/p1/secretConfig", "{\"api_key\":\"k\"}", Operations },
        { "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01", Range(0x20), "0c0d0e0f1011121314151617", "zones/z1/applications/a1/clientSecret", "cs_" + new string('A', 43), Storage },
        { "8f3b1c5d7e9a0b2c4d6e8f1a3b5c7d9e0f2a4c6e8b1d3f5a7c9e0b2d4f6a8c1e", Range(0x40), "101112131415161718191a1b", "zones/zone-1/providers/prov-1/secretConfig", "{\"api_key\":\"sk-test\"}", Sts },
    };

    [Theory]
    [Trait("requirement", "R2")]
    [MemberData(nameof(Vectors))]
    public void Seals_and_opens_the_vectors(string kek, string dataKey, string valueNonce, string location, string plaintext, string expected)
    {
        var sealedBytes = Css1Envelope.Seal(
            new Kek(Convert.FromHexString(kek)), location, Encoding.UTF8.GetBytes(plaintext),
            Convert.FromHexString(dataKey), Convert.FromHexString("000102030405060708090a0b"), Convert.FromHexString(valueNonce));
        Assert.Equal(expected, Convert.ToHexStringLower(sealedBytes));
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(KekRing.Of(Convert.FromHexString(kek)), location, sealedBytes, out var opened));
        Assert.Equal(plaintext, Encoding.UTF8.GetString(opened!.Span));
    }

    [Fact]
    public void The_ids_of_the_vector_key_are_the_published_ones()
    {
        var kek = new Kek(Convert.FromHexString(Hash("caracal test kek A")));
        Assert.Equal("f32480bd9049e3be", kek.IdHex);
        Assert.Equal("sid_b3aa4b303b8bcc42", kek.SecretId);
    }

    [Fact]
    public void Each_damage_has_its_own_refusal()
    {
        var ring = KekRing.Of(SHA256.HashData("kek"u8));
        var envelope = Css1Envelope.Seal(ring, "a/b", "value"u8);
        Assert.Equal(Css1Outcome.TooShort, Open(envelope[..99]));
        Assert.Equal(Css1Outcome.UnknownFormat, Open(Flip(envelope, 0)));
        Assert.Equal(Css1Outcome.DifferentKek, Open(Flip(envelope, 4)));
        Assert.Equal(Css1Outcome.DataKeyRejected, Open(Flip(envelope, 12)));
        Assert.Equal(Css1Outcome.DataKeyRejected, Open(Flip(envelope, 30)));
        Assert.Equal(Css1Outcome.ValueRejected, Open(Flip(envelope, 72)));
        Assert.Equal(Css1Outcome.ValueRejected, Open(Flip(envelope, envelope.Length - 1)));
        Assert.Equal(Css1Outcome.ValueRejected, Css1Envelope.Open(ring, "a/c", envelope, out _));
        Assert.Equal(Css1Outcome.Opened, Open(envelope));

        Css1Outcome Open(byte[] bytes) => Css1Envelope.Open(ring, "a/b", bytes, out _);
    }

    [Fact]
    public void The_default_outcome_is_a_refusal() => Assert.NotEqual(Css1Outcome.Opened, default);

    [Fact]
    public void Opens_with_every_slot_and_seals_with_the_current_one()
    {
        var old = SHA256.HashData("old"u8);
        var fresh = SHA256.HashData("new"u8);
        var envelope = Css1Envelope.Seal(KekRing.Of(old), "a", "v"u8);
        var asPrevious = new KekRing(new KekSet(new Kek(fresh), null, [new Kek(old)]));
        var asNext = new KekRing(new KekSet(new Kek(fresh), new Kek(old), []));
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(asPrevious, "a", envelope, out _));
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(asNext, "a", envelope, out _));
        Assert.Equal(asNext.Current.IdHex, Convert.ToHexStringLower(Css1Envelope.KekId(Css1Envelope.Seal(asNext, "a", "v"u8))));
    }

    [Fact]
    public void Seals_an_empty_value_and_never_the_same_way_twice()
    {
        var ring = KekRing.Of(SHA256.HashData("kek"u8));
        var first = Css1Envelope.Seal(ring, "a", []);
        Assert.Equal(Css1Envelope.MinimumLength, first.Length);
        Assert.NotEqual(first, Css1Envelope.Seal(ring, "a", []));
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(ring, "a", first, out SecretBytes? value));
        Assert.True(value!.Span.IsEmpty);
    }

    private static byte[] Flip(byte[] envelope, int at)
    {
        var copy = (byte[])envelope.Clone();
        copy[at] ^= 1;
        return copy;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Range(int start) => Convert.ToHexStringLower([.. Enumerable.Range(start, 32).Select(i => (byte)i)]);
}
