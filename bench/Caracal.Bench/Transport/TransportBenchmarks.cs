using System.Text;
using BenchmarkDotNet.Attributes;
using Caracal.Sdk;

namespace Caracal.Bench.Transport;

/// <summary>
/// What the client library adds to a governed call over real sockets, where every wait is one: the same two requests, a mint
/// and the call, by <see cref="HttpClient"/> alone, through the application transport and through that of a Session.
/// </summary>
public class TransportBenchmarks : IDisposable
{
    private const int Calls = 16;

    private static readonly byte[] Form = Encoding.UTF8.GetBytes("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&zone_id=z");

    private readonly LoopbackServices _services = new();
    private readonly Uri _mint;
    private readonly Uri _reports;
    private readonly byte[] _buffer = new byte[8192];
    private CaracalClient _client = null!;
    private CaracalContext _context = null!;
    private HttpClient _application = null!;
    private HttpClient _session = null!;
    private HttpClient _bare = null!;

    public TransportBenchmarks()
    {
        _mint = new Uri(_services.Url + "/oauth/2/token");
        _reports = new Uri(_services.Url + "/reports");
    }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _client = CaracalClient.FromOptions(new CaracalOptions
        {
            ZoneId = "z",
            ApplicationId = "a",
            ClientSecret = "s",
            StsUrl = _services.Url,
            CoordinatorUrl = _services.Url,
            GatewayUrl = _services.Url,
            Resources = [new ResourceBinding("resource://r")],
        });
        _application = new HttpClient(_client.CreateApplicationHandler("resource://r", new ApplicationTransportOptions { Scopes = ["read"] }));
        _session = new HttpClient(_client.CreateHandler(new TransportOptions { Resource = "resource://r", Scopes = ["read"] }));
        _bare = new HttpClient();
        _context = await _client.ApplicationContextAsync();
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _application?.Dispose();
        _session?.Dispose();
        _bare?.Dispose();
        _services.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Calls)]
    public Task HttpClientAlone() => CallsAsync(MintAndCallAsync);

    [Benchmark(OperationsPerInvoke = Calls)]
    public Task AsApplication() => CallsAsync(() => CallAsync(_application));

    [Benchmark(OperationsPerInvoke = Calls)]
    public Task AsSession() => CaracalContext.BindAsync(_context, () => CallsAsync(() => CallAsync(_session)));

    private static async Task CallsAsync(Func<Task> call)
    {
        for (var i = 0; i < Calls; i++) await call();
    }

    private async Task MintAndCallAsync()
    {
        using var mint = new HttpRequestMessage(HttpMethod.Post, _mint) { Content = new ByteArrayContent(Form) };
        using var minted = await _bare.SendAsync(mint, HttpCompletionOption.ResponseHeadersRead);
        var body = await minted.Content.ReadAsStreamAsync();
        while (await body.ReadAsync(_buffer) > 0)
        {
            // To its end, as whoever wants the token has to.
        }

        using var call = new HttpRequestMessage(HttpMethod.Get, _reports);
        call.Headers.TryAddWithoutValidation("Authorization", "Bearer x");
        using var answer = await _bare.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
    }

    private async Task CallAsync(HttpClient client)
    {
        using var call = new HttpRequestMessage(HttpMethod.Get, _reports);
        using var answer = await client.SendAsync(call, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
    }
}
