using Caracal.Gateway.Upstream;

namespace Caracal.Gateway.Tests.Upstream;

public sealed class UpstreamUrlTests
{
    [Theory]
    [InlineData("a=%zz")]
    [InlineData("a=%2")]
    [InlineData("a=1;api=2")]
    [InlineData("a=1 HTTP/1.0")]
    [InlineData("a=1\tb")]
    [InlineData("a=1\r\nX: y")]
    [InlineData("a=ä")]
    [InlineData("a=1\u007f")]
    public void Refuses_a_query_that_cannot_be_read(string query) => Assert.Null(Build("https://api.example.com/", "/", query));

    [Theory]
    [InlineData("https://api.example.com", "/", "https://api.example.com/")]
    [InlineData("https://api.example.com/", "/v1/items", "https://api.example.com/v1/items")]
    [InlineData("https://api.example.com/base", "/", "https://api.example.com/base")]
    [InlineData("https://api.example.com/base/", "/", "https://api.example.com/base/")]
    [InlineData("https://api.example.com/base", "/v1/", "https://api.example.com/base/v1/")]
    [InlineData("https://api.example.com/base/", "/v1", "https://api.example.com/base/v1")]
    [InlineData("https://api.example.com:8443/base", "/v1", "https://api.example.com:8443/base/v1")]
    [InlineData("http://[::1]:8080/base", "/v1", "http://[::1]:8080/base/v1")]
    [InlineData("https://api.example.com", "//evil.example/x", "https://api.example.com//evil.example/x")]
    [InlineData("https://api.example.com", "/a?b#c", "https://api.example.com/a%3Fb%23c")]
    [InlineData("https://api.example.com", "/100%", "https://api.example.com/100%25")]
    [InlineData("https://api.example.com", "/ä b", "https://api.example.com/%C3%A4%20b")]
    public void Joins_the_authorised_path_to_the_base(string upstream, string path, string expected) =>
        Assert.Equal(expected, Build(upstream, path, ""));

    [Theory]
    [InlineData("https://u.example/?v=2", "x=1", "?v=2&x=1")]
    [InlineData("https://u.example/?v=2", "v=9&x=1&v=8", "?v=2&x=1")]
    [InlineData("https://u.example/?v=2", "%76=9&x=%20", "?v=2&x=%20")]
    [InlineData("https://u.example/?a+b=2", "a%20b=9&c", "?a+b=2&c")]
    [InlineData("https://u.example/", "b=2&a=1&&c", "?b=2&a=1&&c")]
    [InlineData("https://u.example/?v=2", "", "?v=2")]
    public void The_configured_query_wins_key_by_key(string upstream, string caller, string query) =>
        Assert.Equal("https://u.example/" + query, Build(upstream, "/", caller));

    [Fact]
    public void A_query_credential_replaces_every_value_of_its_key()
    {
        var target = UpstreamTarget.TryParse("https://u.example/?key=old&v=2")!;
        var url = UpstreamUrl.TryBuild(target, "/", "key=mine&x=1&k%65y=mine", "key", "s3cret&/");
        Assert.Equal("https://u.example/?v=2&x=1&key=s3cret%26%2F", url!.OriginalString);
    }

    private static string? Build(string upstream, string path, string query) =>
        UpstreamUrl.TryBuild(UpstreamTarget.TryParse(upstream)!, path, query, null, null)?.OriginalString;
}
