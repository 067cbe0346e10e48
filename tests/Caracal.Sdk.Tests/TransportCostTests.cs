using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Tests;

/// <summary>What a governed call costs its caller beyond the two requests it is made of.</summary>
public sealed class TransportCostTests
{
    private const int TokenLength = 1100;
    private const int Calls = 2000;
    private const int Rounds = 20;

    [Fact]
    public async Task A_governed_call_allocates_little_more_than_the_text_of_its_mandate()
    {
        using var services = new AtHand();
        await using var client = CaracalClient.FromOptions(new CaracalOptions
        {
            ZoneId = "z",
            ApplicationId = "a",
            ClientSecret = "s",
            StsUrl = "https://sts.test",
            CoordinatorUrl = "https://coordinator.test",
            GatewayUrl = "https://gateway.test",
            Resources = [new ResourceBinding("resource://r")],
            Http = services,
        });
        using var session = new HttpClient(client.CreateHandler(new TransportOptions { Resource = "resource://r", Scopes = ["read"], Inner = services }));
        using var governed = new HttpClient(client.CreateApplicationHandler("resource://r", new ApplicationTransportOptions { Scopes = ["read"], Inner = services }));
        using var bare = new HttpClient(services);
        var form = new byte[100];
        var alone = await PerCallAsync(async () =>
        {
            using var mint = new HttpRequestMessage(HttpMethod.Post, "https://sts.test/oauth/2/token") { Content = new ByteArrayContent(form) };
            using var minted = await bare.SendAsync(mint, HttpCompletionOption.ResponseHeadersRead);
            _ = await minted.Content.ReadAsStreamAsync();
            using var call = new HttpRequestMessage(HttpMethod.Get, "https://gateway.test/reports");
            call.Headers.TryAddWithoutValidation("Authorization", "Bearer x");
            using var answer = await bare.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
        });
        var whole = await PerCallAsync(async () =>
        {
            using var call = new HttpRequestMessage(HttpMethod.Get, "https://gateway.test/reports");
            using var answer = await governed.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        });
        Assert.InRange(whole - alone, 0, (2 * TokenLength) + 1024);
        var bound = await CaracalContext.BindAsync(await client.ApplicationContextAsync(), () => PerCallAsync(async () =>
        {
            using var call = new HttpRequestMessage(HttpMethod.Get, "https://gateway.test/reports");
            using var answer = await session.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }));
        Assert.InRange(bound - alone, 0, (2 * TokenLength) + 1024);
    }

    [Fact]
    public void A_time_limit_is_used_again_unless_it_has_ended()
    {
        var limits = new TimeLimits(TimeSpan.FromMinutes(1));
        CancellationToken first;
        using (var limit = limits.Begin(CancellationToken.None)) first = limit.Token;
        using var caller = new CancellationTokenSource();
        using (var limit = limits.Begin(caller.Token))
        {
            Assert.Equal(first, limit.Token);
            caller.Cancel();
            Assert.True(limit.Token.IsCancellationRequested);
        }

        using var later = limits.Begin(CancellationToken.None);
        Assert.NotEqual(first, later.Token);
        Assert.False(later.Token.IsCancellationRequested);
    }

    [Fact]
    public void Who_leaves_after_a_limit_was_given_back_ends_nobody_elses()
    {
        var limits = new TimeLimits(TimeSpan.FromMinutes(1));
        using var caller = new CancellationTokenSource();
        limits.Begin(caller.Token).Dispose();
        using var next = limits.Begin(CancellationToken.None);
        caller.Cancel();
        Assert.False(next.Token.IsCancellationRequested);
    }

    // Everything completes at once, so all of it happens on this thread. Code that is not optimized yet allocates more: the
    // least of the rounds counts, and the bound leaves room for a machine too busy to optimize (bench/ has the figure itself).
    private static async Task<long> PerCallAsync(Func<Task> call)
    {
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Calls; i++) await call();
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Calls);
        }

        return least;
    }

    private sealed class AtHand : HttpMessageHandler
    {
        private static readonly MediaTypeHeaderValue Json = new("application/json");
        private static readonly byte[] Token = Encoding.UTF8.GetBytes($$"""{"access_token":"{{new string('a', TokenLength)}}","token_type":"Bearer","expires_in":900}""");

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(request.RequestUri!.AbsolutePath switch
        {
            "/oauth/2/token" => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(Token) { Headers = { ContentType = Json } } },
            "/zones/z/agents" => new HttpResponseMessage(HttpStatusCode.Created) { Content = new StringContent("""{"agent_session_id":"session"}""") },
            "/zones/z/delegations" => new HttpResponseMessage(HttpStatusCode.Created) { Content = new StringContent("""{"delegation_edge_id":"edge","expires_at":"2130-01-01T00:00:00Z"}""") },
            _ => new HttpResponseMessage(HttpStatusCode.OK),
        });
    }
}
