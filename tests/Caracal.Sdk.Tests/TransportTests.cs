using System.Net;
using Caracal.Sdk.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.Sdk.Tests;

/// <summary>sdk.md 7: what leaves, where to, and with whose authority.</summary>
public sealed class TransportTests : IDisposable
{
    private readonly ScriptedServices _services = new();

    public void Dispose() => _services.Dispose();

    [Theory]
    [InlineData("https://b.test/v1/items?q=1", "https://gateway.test/base/items?q=1")]
    [InlineData("https://b.test/v1", "https://gateway.test/base/")]
    [InlineData("https://gateway.test/base/x/y", "https://gateway.test/base/x/y")]
    public async Task A_bound_address_becomes_the_gateways(string address, string routed)
    {
        var request = await SendAsync(address, "resource://b");
        Assert.Equal(routed, request.RequestUri!.AbsoluteUri);
        Assert.Equal("resource://b", request.Headers.GetValues("X-Caracal-Resource").Single());
        Assert.StartsWith("Bearer token-", request.Headers.GetValues("Authorization").Single(), StringComparison.Ordinal);
        Assert.Equal("caracal.agent_session=s-1,caracal.hop=0", request.Headers.GetValues("baggage").Single());
        Assert.True(request.Headers.Contains("traceparent"));
    }

    [Theory]
    [InlineData("https://b.test/v1/%2e%2e/x")]
    [InlineData("https://b.test/v1/%252e%252e/x")]
    [InlineData("https://b.test/v1/a%5c..%5cb")]
    [InlineData("https://b.test/v10/items")]
    [InlineData("http://b.test/v1/items")]
    [InlineData("https://b.test:444/v1/items")]
    [InlineData("https://other.test/")]
    public async Task Anything_else_leaves_without_a_bearer_and_without_ids(string address)
    {
        var request = await SendAsync(address, resource: null);
        Assert.Equal(new Uri(address), request.RequestUri);
        Assert.False(request.Headers.Contains("Authorization"));
        Assert.False(request.Headers.Contains("baggage"));
        Assert.False(request.Headers.Contains("X-Caracal-Resource"));
    }

    [Fact]
    public async Task The_application_transport_refuses_a_devious_path_before_it_mints()
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        using var http = new HttpClient(client.CreateApplicationHandler("resource://b", new ApplicationTransportOptions { Scopes = ["read"], Inner = new LastStop() }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => http.GetAsync("https://b.test/v1/%252e%252e/x"));
        await Assert.ThrowsAsync<ArgumentException>(() => http.GetAsync("https://gateway.test/base/%252e%252e/x"));
        Assert.Empty(_services.All);
        Assert.Throws<ArgumentException>(() => client.GatewayRequest("r", "/a/../b"));
        Assert.Throws<ArgumentException>(() => client.GatewayRequest("r", "//elsewhere.test/"));
        Assert.Equal("https://gateway.test/base/a?b=..", client.GatewayRequest("r", "a?b=..").Url.AbsoluteUri);
    }

    [Fact]
    public async Task Scoped_calls_carry_tokens_of_their_own_and_a_redirect_comes_back()
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        var end = new LastStop(HttpStatusCode.Redirect);
        using var http = new HttpClient(client.CreateHandler(new TransportOptions { Scopes = ["read"], Inner = end }));
        await client.RunSessionAsync(async (_, stop) =>
        {
            var answers = await Task.WhenAll(http.GetAsync("https://b.test/v1/1", stop), http.GetAsync("https://b.test/v1/2", stop));
            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode));
        });
        Assert.Equal(2, end.Requests.Select(request => request.Headers.GetValues("Authorization").Single()).Distinct().Count());
        await Assert.ThrowsAsync<MissingTokenException>(() => http.GetAsync("https://b.test/v1/3"));
    }

    [Fact]
    public async Task A_lifecycle_token_is_not_sent_to_the_gateway()
    {
        // {"alg":"ES256"} . {"use":"session"}
        _services.Answer = sent => sent.Path == "/oauth/2/token" ? ScriptedServices.Json(200, """{"access_token":"eyJhbGciOiJFUzI1NiJ9.eyJ1c2UiOiJzZXNzaW9uIn0.AAAA","expires_in":60}""") : null;
        await using var client = CaracalClient.FromOptions(_services.Options);
        var end = new LastStop();
        using var http = new HttpClient(client.CreateHandler(new TransportOptions { Inner = end }));
        await client.RunSessionAsync(async (_, _) =>
            Assert.Contains("use=session", (await Assert.ThrowsAsync<MissingTokenException>(() => http.GetAsync("https://b.test/v1/1"))).Message, StringComparison.Ordinal));
        Assert.Empty(end.Requests);
    }

    [Fact]
    public async Task The_applications_authority_is_made_once_and_taken_down_when_making_it_fails()
    {
        var refuse = true;
        _services.Answer = sent => refuse && sent.Path.EndsWith("/delegations", StringComparison.Ordinal) ? ScriptedServices.Json(403, """{"error":"resource_not_found"}""") : null;
        await using (var client = CaracalClient.FromOptions(_services.Options))
        {
            using var http = new HttpClient(client.CreateApplicationHandler("resource://b", new ApplicationTransportOptions { Scopes = ["write", "read"], Inner = new LastStop() }));
            await Assert.ThrowsAsync<CoordinatorException>(() => http.GetAsync("https://b.test/v1/1"));
            Assert.Equal(2, _services.To("DELETE", "").Count);
            refuse = false;
            await Task.WhenAll(Enumerable.Range(0, 5).Select(i => http.GetAsync($"https://b.test/v1/{i}")));
            Assert.Equal(4, _services.To("POST", "/agents").Count);
            Assert.All(_services.To("POST", "/agents"), start =>
            {
                Assert.Equal("""{"application_id":"app1","ttl_seconds":1020,"labels":["app1"],"parent_authority":"inherit"}""", start.Body);
                Assert.False(start.Headers.ContainsKey("Idempotency-Key-Kind"));
            });
            var mints = _services.To("POST", "/token").Where(sent => sent.Body.Contains("delegation_edge_id=edge-1", StringComparison.Ordinal)).ToList();
            Assert.Equal(5, mints.Count);
            Assert.EndsWith("resource=resource%3A%2F%2Fb&scope=read%20write&agent_session_id=s-4&delegation_edge_id=edge-1&ttl_seconds=900", mints[0].Body, StringComparison.Ordinal);
        }

        Assert.Equal(4, _services.To("DELETE", "").Count);
    }

    [Fact]
    public async Task The_applications_authority_is_made_anew_a_minute_before_it_ends_and_the_old_one_ended()
    {
        var time = new MovedClock();
        await using var client = CaracalClient.FromOptions(_services.Options with { Time = time });
        using var http = new HttpClient(client.CreateApplicationHandler("resource://b", new ApplicationTransportOptions { Scopes = ["read"], Inner = new LastStop() }));
        foreach (var (seconds, starts) in ((int, int)[])[(0, 2), (959, 2), (2, 4)])
        {
            time.Now += TimeSpan.FromSeconds(seconds);
            await http.GetAsync("https://b.test/v1/1");
            Assert.Equal(starts, _services.To("POST", "/agents").Count);
        }

        Assert.Equal(2, _services.To("DELETE", "").Count);
    }

    private sealed class MovedClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    [Fact]
    public void A_handler_that_follows_redirects_is_refused()
    {
        var client = CaracalClient.FromOptions(_services.Options);
        Assert.Throws<InvalidOperationException>(() => client.CreateHandler(new TransportOptions { Inner = new HttpClientHandler() }));
    }

    [Fact]
    public async Task A_typed_client_is_governed_by_its_registration()
    {
        var end = new LastStop();
        var services = new ServiceCollection().AddCaracalClient(_ => _services.Options);
        services.AddHttpClient<Reports>().AddCaracalApplication("resource://a", "read").ConfigurePrimaryHttpMessageHandler(() => end);
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<Reports>().Http.GetAsync("reports/7");
        var request = Assert.Single(end.Requests);
        Assert.Equal("https://gateway.test/base/reports/7", request.RequestUri!.AbsoluteUri);
        Assert.Equal("resource://a", request.Headers.GetValues("X-Caracal-Resource").Single());
    }

    private async Task<HttpRequestMessage> SendAsync(string address, string? resource)
    {
        await using var client = CaracalClient.FromOptions(_services.Options);
        var end = new LastStop();
        using var http = new HttpClient(client.CreateHandler(new TransportOptions { Scopes = ["read"], Inner = end, Resource = resource }));
        await client.RunSessionAsync((_, stop) => http.GetAsync(address, stop));
        return Assert.Single(end.Requests);
    }

    private sealed class Reports(HttpClient http)
    {
        public HttpClient Http => http;
    }
}
