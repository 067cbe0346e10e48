using Caracal.Protocol;

namespace Caracal.Protocol.Tests;

public class IdsTests
{
    [Fact]
    public void An_id_is_a_version_7_uuid_of_this_moment()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var id = Guid.ParseExact(Ids.New(), "D");
        Assert.Equal(7, id.Version);
        Assert.InRange(id.Variant, 8, 11);
        Assert.InRange(Milliseconds(id), before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    [Fact]
    public void Ids_made_later_sort_later()
    {
        var first = Ids.New();
        SpinWait.SpinUntil(() => Milliseconds(Guid.Parse(Ids.New())) > Milliseconds(Guid.Parse(first)));
        Assert.True(string.CompareOrdinal(first, Ids.New()) < 0);
    }

    [Fact]
    public void No_two_are_alike_on_any_thread()
    {
        var made = new string[8][];
        Parallel.For(0, made.Length, thread => made[thread] = [.. Enumerable.Range(0, 5_000).Select(_ => Ids.New())]);
        Assert.Equal(40_000, made.SelectMany(ids => ids).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void A_requests_id_shows_its_version_and_leads_with_the_time(int version)
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var id = Guid.ParseExact(Ids.NewCorrelation(version), "D");
        Assert.Equal(version, id.Version);
        Assert.InRange(id.Variant, 8, 11);
        Assert.InRange(Milliseconds(id), before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        Assert.NotEqual(Ids.NewCorrelation(version), Ids.NewCorrelation(version));
    }

    private static long Milliseconds(Guid id) => Convert.ToInt64(id.ToString("N")[..12], 16);
}
