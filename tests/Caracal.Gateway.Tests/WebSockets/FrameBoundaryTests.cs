using System.Buffers.Binary;
using Caracal.Gateway.WebSockets;

namespace Caracal.Gateway.Tests.WebSockets;

public sealed class FrameBoundaryTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(125, false)]
    [InlineData(126, true)]
    [InlineData(65_535, false)]
    [InlineData(65_536, true)]
    public void Is_between_frames_only_at_the_end_of_one(int length, bool masked)
    {
        var frame = Frame(length, masked);
        for (var cut = 1; cut < frame.Length; cut += Math.Max(1, frame.Length / 300))
        {
            var boundary = default(FrameBoundary);
            boundary.Pass(frame.AsSpan(0, cut));
            Assert.False(boundary.IsBetweenFrames);
            boundary.Pass(frame.AsSpan(cut));
            Assert.True(boundary.IsBetweenFrames);
        }
    }

    [Fact]
    public void Follows_many_frames_in_any_pieces()
    {
        byte[] stream = [.. Frame(0, true), .. Frame(300, false), .. Frame(7, true), .. Frame(70_000, true), .. Frame(1, false)];
        var random = new Random(7);
        for (var round = 0; round < 50; round++)
        {
            var boundary = default(FrameBoundary);
            for (var at = 0; at < stream.Length;)
            {
                var piece = Math.Min(stream.Length - at, random.Next(1, 5_000));
                boundary.Pass(stream.AsSpan(at, piece));
                at += piece;
            }

            Assert.True(boundary.IsBetweenFrames);
        }
    }

    [Fact]
    public void A_length_beyond_every_reason_is_never_reached()
    {
        var boundary = default(FrameBoundary);
        boundary.Pass([0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3]);
        Assert.False(boundary.IsBetweenFrames);
    }

    private static byte[] Frame(int length, bool masked)
    {
        var mask = masked ? (byte)0x80 : (byte)0;
        var extended = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(extended, (ulong)length);
        byte[] size = length switch
        {
            < 126 => [(byte)(mask | length)],
            <= ushort.MaxValue => [(byte)(mask | 126), .. extended[6..]],
            _ => [(byte)(mask | 127), .. extended],
        };
        return [0x82, .. size, .. masked ? new byte[] { 1, 2, 3, 4 } : [], .. new byte[length]];
    }
}
