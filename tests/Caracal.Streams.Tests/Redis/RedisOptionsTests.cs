using Caracal.Streams.Redis;

namespace Caracal.Streams.Tests.Redis;

public sealed class RedisOptionsTests
{
    [Theory]
    [Trait("requirement", "R83")]
    [InlineData("")]
    [InlineData("localhost:6379")]
    [InlineData("http://localhost")]
    [InlineData("redis://")]
    [InlineData("redis://:hunter2@host/x")]
    [InlineData("redis://:hunter2@host/-1")]
    [InlineData("redis://:hunter2@host/0/1")]
    [InlineData("redis://:hunter2@host?db=1")]
    [InlineData("redis://:hunter2@host:99999")]
    public void A_wrong_url_is_refused_without_repeating_it(string url)
    {
        Assert.False(RedisOptions.TryParse(url, out _, out var fault));
        Assert.NotEqual("", fault);
        Assert.DoesNotContain("hunter2", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://host", "host", 6379, false, null, null, 0)]
    [InlineData("redis://host/", "host", 6379, false, null, null, 0)]
    [InlineData("redis://:pw@host:7000/3", "host", 7000, false, null, "pw", 3)]
    [InlineData("rediss://caracal-gateway:p%40ss%3Aw%2Frd@redis.example.com", "redis.example.com", 6379, true, "caracal-gateway", "p@ss:w/rd", 0)]
    [InlineData("redis://[::1]:7000", "::1", 7000, false, null, null, 0)]
    public void A_url_says_where_and_as_whom(
        string url, string host, int port, bool tls, string? user, string? password, int database)
    {
        Assert.True(RedisOptions.TryParse(url, out var options, out _));
        Assert.Equal(
            (host, port, tls, user, password, database),
            (options.Host, options.Port, options.UseTls, options.User, options.Password?.Reveal(), options.Database));
    }

    [Fact]
    public void Options_never_print_their_password()
    {
        Assert.True(RedisOptions.TryParse("redis://:hunter2@host", out var options, out _));
        Assert.DoesNotContain("hunter2", options.ToString(), StringComparison.Ordinal);
    }
}
