namespace Caracal.Protocol.Tests;

public sealed class TimestampsTests
{
    [Theory]
    [InlineData("2026-01-01T00:00:00Z", false, true)]
    [InlineData("2026-01-01T00:00:00.123456789Z", false, true)]
    [InlineData("2026-01-01T00:00Z", true, true)]
    [InlineData("2026-01-01T00:00Z", false, false)]
    [InlineData("2026-01-01T00:00:00+00:00", true, false)]
    [InlineData("2026-01-01 00:00:00Z", true, false)]
    [InlineData("2026-13-01T00:00:00Z", true, false)]
    [InlineData("Z", true, false)]
    [InlineData("", true, false)]
    [InlineData(null, true, false)]
    public void Only_utc_times_with_a_z_are_read(string? text, bool secondsOptional, bool valid) =>
        Assert.Equal(valid, Timestamps.TryParseUtc(text, secondsOptional, out _));

    [Fact]
    public void Formats_have_their_fixed_number_of_digits()
    {
        var time = new DateTimeOffset(2026, 7, 11, 15, 0, 0, TimeSpan.FromHours(2)).AddTicks(12_345_678);
        Assert.Equal("2026-07-11T13:00:01Z", Timestamps.Seconds(time));
        Assert.Equal("2026-07-11T13:00:01.234Z", Timestamps.Milliseconds(time));
        Assert.Equal("2026-07-11T13:00:01.234567Z", Timestamps.Microseconds(time));
    }

    [Theory]
    [InlineData("abc_1.-:", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("ä", false)]
    public void Path_ids_have_a_closed_alphabet(string id, bool valid) => Assert.Equal(valid, Ids.IsPathId(id));
}
