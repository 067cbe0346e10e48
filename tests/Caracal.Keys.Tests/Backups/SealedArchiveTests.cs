using System.Text.Json.Nodes;
using Caracal.Keys.Backups;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Tests.Backups;

public sealed class SealedArchiveTests
{
    private static readonly KekRing Ours = new(new KekSet(new Kek(TestKeys.K1), null, []));
    private static readonly KekRing Others = new(new KekSet(new Kek(TestKeys.K2), null, []));
    private static readonly KekRing Rotated = new(new KekSet(new Kek(TestKeys.K2), null, [new Kek(TestKeys.K1)]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)] // exactly one piece
    [InlineData(65_537)]
    [InlineData(200_000)]
    public void Gives_back_what_was_sealed_also_with_a_key_that_was_rotated(int length)
    {
        var content = new byte[length];
        Random.Shared.NextBytes(content);
        var archive = Seal(content);
        Assert.Equal(content, Read(archive, Ours));
        Assert.Equal(content, Read(archive, Rotated));
        Assert.Equal(7, (int)SealedArchive.Describe(new MemoryStream(archive))["version"]!);
    }

    [Fact]
    public void Refuses_without_the_key_and_names_it()
    {
        var fault = Assert.Throws<SealedArchiveException>(() => Read(Seal([1, 2, 3]), Others));
        Assert.Contains(Ours.Current.IdHex, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_every_changed_byte_and_every_cut()
    {
        var archive = Seal([.. Enumerable.Range(0, 300).Select(i => (byte)i)]);
        for (var i = 0; i < archive.Length; i++)
        {
            var changed = (byte[])archive.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<Exception>(() => Read(changed, Ours));
            Assert.Throws<SealedArchiveException>(() => Read(archive[..i], Ours));
        }
    }

    [Fact]
    public void Refuses_pieces_in_another_order_and_a_left_out_end()
    {
        const int Piece = 4 + 65_536 + 16;
        var archive = Seal(new byte[3 * 65_536]);
        var start = archive.Length - (3 * Piece);
        byte[] swapped = [.. archive[..start], .. archive[(start + Piece)..(start + (2 * Piece))], .. archive[start..(start + Piece)], .. archive[(start + (2 * Piece))..]];
        Assert.Throws<SealedArchiveException>(() => Read(swapped, Ours));
        Assert.Throws<SealedArchiveException>(() => Read(archive[..^Piece], Ours));
    }

    private static byte[] Seal(byte[] content)
    {
        var target = new MemoryStream();
        using (var archive = SealedArchive.Create(target, Ours, new JsonObject { ["version"] = 7 })) archive.Write(content);
        return target.ToArray();
    }

    private static byte[] Read(byte[] archive, KekRing ring)
    {
        using var content = SealedArchive.Open(new MemoryStream(archive), ring, out _);
        var plain = new MemoryStream();
        content.CopyTo(plain);
        return plain.ToArray();
    }
}
