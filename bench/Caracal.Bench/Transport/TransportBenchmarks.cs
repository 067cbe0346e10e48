using System.Net;
using System.Net.Http.Headers;
using System.Text;
using BenchmarkDotNet.Attributes;
using Caracal.Sdk;

namespace Caracal.Bench.Transport;

/// <summary>
/// What the client library adds to a governed call: the same two requests, a mint and the call, once by
/// <see cref="HttpClient"/> alone and once through the application transport. No network: handlers answer at once.
/// </summary>
public class TransportBenchmarks : IDisposable
{
    private static readonly byte[] Form = Encoding.UTF8.GetBytes("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&zone_id=z");

    // As long as a delegated one-shot mandate of an application is: 1,100 characters.
    private static readonly byte[] Answer = Encoding.UTF8.GetBytes($$"""{"access_token":"{{new string('a', 1100)}}","token_type":"Bearer","expires_in":900}""");

    private readonly Services _services = new();
    private CaracalClient _client = null!;
    private HttpClient _governed = null!;
    private HttpClient _bare = null!;

    [GlobalSetup]
    public void Setup()
    {
        _client = CaracalClient.FromOptions(new CaracalOptions
        {
            ZoneId = "z",
            ApplicationId = "a",
            ClientSecret = "s",
            StsUrl = "https://sts.test",
            CoordinatorUrl = "https://coordinator.test",
            GatewayUrl = "https://gateway.test",
            Http = _services,
        });
        _governed = new HttpClient(_client.CreateApplicationHandler("resource://r", new ApplicationTransportOptions { Scopes = ["read"], Inner = _services }));
        _bare = new HttpClient(_services);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _governed?.Dispose();
        _bare?.Dispose();
        _services.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public async Task<int> HttpClientAlone()
    {
        using var mint = new HttpRequestMessage(HttpMethod.Post, "https://sts.test/oauth/2/token") { Content = new ByteArrayContent(Form) };
        using var minted = await _bare.SendAsync(mint, HttpCompletionOption.ResponseHeadersRead);
        _ = await minted.Content.ReadAsStreamAsync();
        using var call = new HttpRequestMessage(HttpMethod.Get, "https://gateway.test/reports");
        call.Headers.TryAddWithoutValidation("Authorization", "Bearer x");
        using var answer = await _bare.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
        return (int)answer.StatusCode;
    }

    [Benchmark]
    public async Task<int> Governed()
    {
        using var call = new HttpRequestMessage(HttpMethod.Get, "https://gateway.test/reports");
        using var answer = await _governed.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
        return (int)answer.StatusCode;
    }

    private sealed class Services : HttpMessageHandler
    {
        private static readonly MediaTypeHeaderValue Json = new("application/json");

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(request.RequestUri!.AbsolutePath switch
        {
            "/oauth/2/token" => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(Answer) { Headers = { ContentType = Json } } },
            "/zones/z/agents" => new HttpResponseMessage(HttpStatusCode.Created) { Content = new StringContent("""{"agent_session_id":"0199c7a0-0000-7000-8000-000000000001"}""") },
            "/zones/z/delegations" => new HttpResponseMessage(HttpStatusCode.Created) { Content = new StringContent("""{"delegation_edge_id":"0199c7a0-0000-7000-8000-000000000002","expires_at":"2030-01-01T00:00:00Z"}""") },
            _ => new HttpResponseMessage(HttpStatusCode.OK),
        });
    }
}
