using Caracal.Egress;

namespace Caracal.Egress.Tests;

public sealed class EgressUrlTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("api.example.com")]
    [InlineData("/path")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://")]
    [InlineData("http:///path")]
    [InlineData("http:/example.com")]
    [InlineData("http:\\\\example.com")]
    [InlineData("http://example.com\\@evil/")]
    [InlineData("http://user@example.com/")]
    [InlineData("http://user:pass@example.com/")]
    [InlineData("http://@example.com/")]
    [InlineData("http://exa mple.com/")]
    public void Refuses_what_is_no_plain_http_url(string? url) => Assert.Null(EgressUrl.TryParse(url));

    [Theory]
    [InlineData("https://API.Example.com/v1?x=1", "api.example.com")]
    [InlineData("http://127.0.0.1:8080", "127.0.0.1")]
    [InlineData("http://[::1]:8080/", "::1")]
    [InlineData("http://0x7f.1/", "127.0.0.1")]
    [InlineData("http://2130706433/", "127.0.0.1")]
    [InlineData("http://example.com/a@b", "example.com")]
    public void Reads_the_host_in_its_canonical_form(string url, string host) =>
        Assert.Equal(host, EgressUrl.TryParse(url)?.Host);
}
