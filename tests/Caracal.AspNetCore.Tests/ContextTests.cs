using System.Net;
using Caracal.Sdk;
using Caracal.Testing;
using Caracal.Verifier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Caracal.AspNetCore.Tests;

/// <summary><c>UseCaracalContext</c>: whose context a request runs in, and which requests do not run at all (sdk.md 4).</summary>
public sealed class ContextTests : IDisposable
{
    private const string Audience = "resource://reports";
    private const string Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private const string Forged = "caracal.agent_session=forged,caracal.delegation_edge=forged,caracal.hop=3,tenant=acme";

    private readonly TestSts _sts = new();

    public void Dispose() => _sts.Dispose();

    [Fact]
    public async Task A_verified_caller_is_who_its_mandate_says_whatever_the_baggage_claims()
    {
        await using var server = await StartAsync(verifier: true, _ => { });
        var mandate = new TestMandate(Audience) { SessionId = "session-1", DelegationId = "edge-1", HopCount = 2 };
        Assert.Equal($"zone={_sts.ZoneId} application=test-application session=session-1 delegation=edge-1 hop=2 trace=4bf92f3577b34da6a3ce929d0e0e4736 tenant=acme", await server.AskAsync(_sts.Mint(mandate)));
        Assert.Equal($"zone={_sts.ZoneId} application=test-application session=session-1 delegation=- hop=0 trace=4bf92f3577b34da6a3ce929d0e0e4736 tenant=acme", await server.AskAsync(_sts.Mint(mandate with { DelegationId = null, HopCount = 0 })));
        Assert.Equal("401 missing_token", await server.AskAsync(null));
        Assert.Equal("401 invalid_token", await server.AskAsync(_sts.Mint(mandate with { Lifetime = TimeSpan.FromMinutes(-5) })));
        Assert.Equal("excluded", await server.AskAsync(null, "/health"));
        Assert.Equal(2, server.Ran);
        Assert.Null(CaracalContext.Current);
    }

    [Fact]
    public async Task Nobody_is_believed_where_nobody_verifies_unless_that_is_said()
    {
        await using (var strict = await StartAsync(verifier: false, _ => { }))
        {
            Assert.Equal("401 unauthorized", await strict.AskAsync("a.b.c"));
            Assert.Equal(0, strict.Ran);
        }

        await using var trusting = await StartAsync(verifier: false, options => options.TrustedPropagation = true);
        Assert.Equal("zone=test-zone application=app session=forged delegation=forged hop=3 trace=4bf92f3577b34da6a3ce929d0e0e4736 tenant=acme", await trusting.AskAsync("a.b.c"));
    }

    [Fact]
    public async Task A_verifier_of_ones_own_decides()
    {
        using var verifier = new MandateVerifier(_sts.VerifierOptions(Audience));
        await using var server = await StartAsync(verifier: false, options => options.Verify = async (token, stop) => (await verifier.VerifyAsync(token, cancellationToken: stop)).IsAccepted(out var principal) ? principal : null);
        Assert.Contains("session=test-session", await server.AskAsync(_sts.Mint(new TestMandate(Audience))), StringComparison.Ordinal);
        Assert.Equal("401 unauthorized", await server.AskAsync("a.b.c"));
    }

    [Fact]
    public async Task Who_brings_no_token_may_run_as_the_application_without_the_ids_it_claims()
    {
        await using var server = await StartAsync(verifier: true, options => options.AsApplication = true);
        Assert.Equal("zone=test-zone application=app session=- delegation=- hop=0 trace=4bf92f3577b34da6a3ce929d0e0e4736 tenant=acme", await server.AskAsync(null));
        Assert.Equal("401 invalid_token", await server.AskAsync("a.b.c")); // a bad token is not none
    }

    [Fact]
    public async Task What_the_application_throws_is_its_own()
    {
        await using var server = await StartAsync(verifier: true, _ => { });
        Assert.Equal("500 ", await server.AskAsync(_sts.Mint(new TestMandate(Audience)), "/fails"));
    }

    private Task<ContextServer> StartAsync(bool verifier, Action<CaracalContextOptions> configure) => ContextServer.StartAsync(_sts, verifier, options =>
    {
        options.Exclude.Add("/health");
        configure(options);
    });

    private sealed class ContextServer(WebApplication application, HttpClient http) : IAsyncDisposable
    {
        private int _ran;

        public int Ran => _ran;

        public static async Task<ContextServer> StartAsync(TestSts sts, bool verifier, Action<CaracalContextOptions> configure)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            if (verifier) builder.Services.AddCaracalVerifier(sts.VerifierOptions(Audience));
            builder.Services.AddCaracalClient(_ => new CaracalOptions
            {
                ZoneId = sts.ZoneId,
                ApplicationId = "app",
                ClientSecret = "secret",
                StsUrl = sts.Issuer,
                CoordinatorUrl = "https://coordinator.test",
                Resources = [Audience],
                Http = sts.Handler,
            });
            var application = builder.Build();
            application.UseCaracalContext(configure);
            ContextServer? server = null;
            application.Run(context => server!.AnswerAsync(context));
            await application.StartAsync();
            return server = new ContextServer(application, new HttpClient { BaseAddress = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) });
        }

        public async Task<string> AskAsync(string? token, string path = "/")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (token is not null) request.Headers.Authorization = new("Bearer", token);
            request.Headers.Add("traceparent", Trace);
            request.Headers.TryAddWithoutValidation("baggage", Forged);
            using var answer = await http.SendAsync(request);
            var body = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode) return body;
            return $"{(int)answer.StatusCode} {(body.Length == 0 ? "" : System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("error").GetString())}";
        }

        public async ValueTask DisposeAsync()
        {
            http.Dispose();
            await application.DisposeAsync();
        }

        private async Task AnswerAsync(HttpContext context)
        {
            if (context.Request.Path == "/health")
            {
                await context.Response.WriteAsync("excluded");
                return;
            }

            Interlocked.Increment(ref _ran);
            if (context.Request.Path == "/fails") throw new InvalidOperationException("the application's own");
            var bound = CaracalContext.Current!;
            await context.Response.WriteAsync($"{bound.Describe()} tenant={bound.Baggage.GetValueOrDefault("tenant")}");
        }
    }
}
