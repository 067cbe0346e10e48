using System.Net;
using Caracal.Gateway.Forwarding;
using Caracal.Gateway.Tests.Support;
using Caracal.Hosting.Logging;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Tests.Forwarding;

/// <summary>What the benchmark measures, and that it can be used for nothing else.</summary>
public sealed class UngovernedForwarderTests : IDisposable
{
    private readonly JsonLineLogging _logging = new(TextWriter.Null, LogLevel.Warning, "1.0.0", "test");

    public void Dispose() => _logging.Dispose();

    [Theory]
    [InlineData("http://8.8.8.8/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/")]
    [InlineData("http://api.example.com/")]
    [InlineData("http://localhost.example.com/")]
    public async Task Calls_nothing_but_this_machine(string upstream) => await Assert.ThrowsAsync<ArgumentException>(
        () => UngovernedForwarder.StartAsync(new Uri(upstream), 0, _logging, CancellationToken.None));

    [Fact]
    public async Task Forwards_as_the_Gateway_does_and_listens_on_loopback()
    {
        await using var upstream = await UpstreamDouble.StartAsync();
        upstream.Answer = http =>
        {
            http.Response.Headers.Server = "secret";
            return http.Response.WriteAsync("hello");
        };
        await using var forwarder = await UngovernedForwarder.StartAsync(upstream.Address, 0, _logging, CancellationToken.None);
        Assert.True(IPAddress.IsLoopback(IPAddress.Parse(new Uri(forwarder.Address).Host)));
        using var client = new HttpClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation("X-Caracal-Anything", "x");
        using var answer = await client.PostAsync(forwarder.Address + "/a%2Fb?c=d", new StringContent("body"));
        Assert.Equal("hello", await answer.Content.ReadAsStringAsync());
        Assert.False(answer.Headers.Contains("Server"));
        var seen = Assert.Single(upstream.Seen);
        Assert.Equal(("POST", "/a/b?c=d", "body"), (seen.Method, seen.Target, System.Text.Encoding.ASCII.GetString(seen.Body)));
        Assert.Null(seen.Header("X-Caracal-Anything"));
    }
}
