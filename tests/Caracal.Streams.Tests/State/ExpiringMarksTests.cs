using Caracal.Streams.State;

namespace Caracal.Streams.Tests.State;

public sealed class ExpiringMarksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Answers_as_a_plain_dictionary_would_while_marks_come_pass_and_come_again(int seed)
    {
        var random = new Random(seed);
        var marks = new ExpiringMarks();
        var model = new Dictionary<UInt128, uint>();
        uint now = 1;
        for (var i = 0; i < 200_000; i++)
        {
            // Few high bits, so that marks crowd the same places; few ends, so that many pass at once.
            var mark = new UInt128((ulong)random.Next(64), (ulong)random.Next(500));
            var until = now + (uint)random.Next(0, 2_000);
            var expected = !model.TryGetValue(mark, out var end) || end <= now;
            Assert.Equal(expected, marks.TryAdd(mark, until, now));
            if (expected) model[mark] = until;
            now += (uint)random.Next(0, 3);
            if (i % 100 == 0) marks.Sweep(now);
        }
    }

    [Fact]
    public void Gives_memory_back_when_marks_have_passed_and_forgets_none_that_has_not()
    {
        var marks = new ExpiringMarks();
        for (ulong i = 0; i < 200_000; i++) Assert.True(marks.TryAdd(new UInt128(i * 0x9E3779B97F4A7C15, i), i % 100 == 0 ? 1_000u : 10, 1));
        var full = marks.Capacity;
        for (var i = 0; i < 64; i++) marks.Sweep(500);
        Assert.InRange(marks.Capacity, 2_000, full / 16);
        for (ulong i = 0; i < 200_000; i++) Assert.Equal(i % 100 != 0, marks.TryAdd(new UInt128(i * 0x9E3779B97F4A7C15, i), 1_000, 500));
    }

    [Fact]
    public void A_mark_has_one_winner_while_others_grow_its_shard()
    {
        var marks = new ExpiringMarks();
        var winners = 0;
        Parallel.For(0, 400_000, i =>
        {
            if (marks.TryAdd(new UInt128((ulong)(i / 4) * 0x9E3779B97F4A7C15, (ulong)(i / 4 % 128)), 10, 1)) Interlocked.Increment(ref winners);
        });
        Assert.Equal(100_000, winners);
    }
}
