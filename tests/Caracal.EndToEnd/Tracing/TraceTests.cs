using System.Security.Cryptography;
using Caracal.Cli.Bench;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Cli.Servers;
using Caracal.Keys.Secrets;

namespace Caracal.EndToEnd.Tracing;

/// <summary>One governed call is one trace, whoever had a part in it (operations.md 6.4).</summary>
public sealed class TraceTests
{
    private const string ApiKey = "upstream-key-09b1f6f2";
    private const string Query = "?access_code=query-secret-51d0";

    [Fact]
    public async Task A_governed_call_over_separate_processes_is_one_connected_trace_without_a_secret()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var collector = await TraceCollector.StartAsync();
        await using var fleet = await LocalFleet.StartAsync(1, collector.Variables(), stop);
        using var wire = new WireClient(fleet.Endpoints(0));
        var (trace, root, upstream) = await CallAsync(wire, collector, fleet.Files, spans: 8, stop);

        // api zone read; coordinator session start; sts mint; then the call itself.
        AssertServedFor(root, trace, "caracal-api", "GET /v1/zones/{zoneId}");
        AssertServedFor(root, trace, "caracal-coordinator", "POST /zones/{zoneId}/agents");
        AssertServedFor(root, trace, "caracal-sts", "POST /oauth/2/token");
        var gateway = Assert.Single(trace, span => span is { Service: "caracal-gateway", Kind: ReceivedSpan.Server });
        Assert.Equal(root, gateway.ParentId);
        var calls = trace.Where(span => span.Kind == ReceivedSpan.Client).ToList();
        Assert.All(calls, call => Assert.Equal(gateway.SpanId, call.ParentId));
        var exchange = Assert.Single(calls, call => call.Attributes["server.port"] == new Uri(wire.Endpoints.Sts).Port.ToString());
        var exchanged = Assert.Single(trace, span => span.ParentId == exchange.SpanId);
        Assert.Equal(("caracal-sts", "POST /oauth/2/token", ReceivedSpan.Server), (exchanged.Service, exchanged.Name, exchanged.Kind));
        AssertUpstream(trace, gateway, upstream);

        // The first call of a zone has its keys fetched.
        var keys = Assert.Single(trace, span => span.Name == "GET /.well-known/jwks.json");
        Assert.Equal(("caracal-sts", gateway.SpanId), (keys.Service, keys.ParentId));
    }

    [Fact]
    public async Task A_governed_call_in_one_process_is_the_same_trace_with_the_exchange_inside_it()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var collector = await TraceCollector.StartAsync();
        await using var stack = await BenchStack.StartAsync(null, stop, collector.Variables());
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var (trace, root, upstream) = await CallAsync(wire, collector, stack.Files, spans: 6, stop);

        AssertServedFor(root, trace, "caracal-coordinator", "POST /zones/{zoneId}/agents");
        var gateway = Assert.Single(trace, span => span is { Service: "caracal-gateway", Kind: ReceivedSpan.Server });
        var exchanged = Assert.Single(trace, span => span is { Service: "caracal-sts", Kind: ReceivedSpan.Internal });
        Assert.Equal((root, gateway.SpanId, "exchange"), (gateway.ParentId, exchanged.ParentId, exchanged.Name));
        AssertUpstream(trace, gateway, upstream);
    }

    // Reads the zone, starts a Session, mints and spends, all in one trace of the caller's; then a call that is refused.
    private static async Task<(IReadOnlyList<ReceivedSpan> Trace, string Root, string Upstream)> CallAsync(
        WireClient wire, TraceCollector collector, PrivateStack files, int spans, CancellationToken stop)
    {
        await using var upstream = await LoopbackUpstream.StartAsync(remember: true, stop);
        var zone = await GovernedZone.CreateAsync(wire, files.AdminToken, new ZoneBlueprint { Name = "Traced", UpstreamUrl = upstream.Url, ApiKey = ApiKey }, stop);
        var application = new AgentApplication(wire, zone);
        var lifecycle = await application.LifecycleAsync(stop);
        var authority = await application.ProvisionAsync(zone.Blueprint.Scopes, depth: 1, stop);
        var (traceId, root) = (RandomNumberGenerator.GetHexString(32, lowercase: true), RandomNumberGenerator.GetHexString(16, lowercase: true));
        wire.TraceParent = $"00-{traceId}-{root}-01";

        (await wire.ApiAsync(HttpMethod.Get, $"/v1/zones/{zone.ZoneId}", files.AdminToken, null, stop)).Require("zone");
        (await wire.CoordinatorAsync(
            HttpMethod.Post, $"/zones/{zone.ZoneId}/agents", lifecycle, $$"""{"application_id":"{{zone.ApplicationId}}","ttl_seconds":60}""", stop)).Require("session");
        var mandate = (await application.MintAsync(authority, zone.Blueprint.Scopes[0], stop)).Require("mint")["access_token"];
        var answer = await wire.GovernedAsync(HttpMethod.Get, "/reports" + Query, mandate, zone.Blueprint.Resource, stop);
        Assert.Equal(200, answer.Status);

        // A caller's flag does not keep his calls out of the record; a refusal is told by its code.
        wire.TraceParent = $"00-{new string('a', 32)}-{root}-00";
        Assert.Equal(401, (await wire.GovernedAsync(HttpMethod.Get, "/reports", mandate, zone.Blueprint.Resource, stop)).Status);
        var refused = $"{new string('b', 31)}{root[0]}";
        wire.TraceParent = $"00-{refused}-{root}-01";
        Assert.Equal(401, (await wire.GovernedAsync(HttpMethod.Get, "/reports", mandate, zone.Blueprint.Resource, stop)).Status);
        Assert.Contains((await collector.TraceAsync(refused, 1)).Single().Attributes, tag => tag.Key == "caracal.refusal");

        var trace = await collector.TraceAsync(traceId, spans);
        Assert.Equal(spans, trace.Count);
        Assert.NotEmpty(await collector.TraceAsync(new string('a', 32), 1));
        var ids = trace.Select(span => span.SpanId).Append(root).ToHashSet(StringComparer.Ordinal);
        Assert.All(trace, span => Assert.Contains(span.ParentId, ids));
        AssertNoSecret(collector, files, zone, mandate, lifecycle);
        return (trace, root, Assert.Single(upstream.Seen).TraceParent!);
    }

    private static void AssertNoSecret(TraceCollector collector, PrivateStack files, GovernedZone zone, params string[] tokens)
    {
        var secrets = SecretFiles.Generated.Select(file => Path.Combine(files.Secrets, file.FileName)).Where(File.Exists).Select(path => File.ReadAllText(path).Trim());
        foreach (var secret in secrets.Concat([.. tokens, .. tokens.Select(token => token.Split('.')[2]), zone.ClientSecret, ApiKey, "query-secret", "access_code", TraceCollector.Token, "eyJ"]))
        {
            Assert.False(collector.Saw(secret), "a secret is in a span");
        }
    }

    private static void AssertServedFor(string caller, IReadOnlyList<ReceivedSpan> trace, string service, string name)
    {
        var span = Assert.Single(trace, span => span.Service == service && span.ParentId == caller);
        Assert.Equal(name, span.Name);
        Assert.Equal(ReceivedSpan.Server, span.Kind);
        Assert.Equal(name, $"{span.Attributes["http.request.method"]} {span.Attributes["http.route"]}");
        Assert.InRange(int.Parse(span.Attributes["http.response.status_code"]), 200, 299);
    }

    private static void AssertUpstream(IReadOnlyList<ReceivedSpan> trace, ReceivedSpan gateway, string seen)
    {
        // The upstream continues the span that called it.
        var called = Assert.Single(trace, span => span.SpanId == seen[36..52]);
        Assert.Equal((gateway.SpanId, gateway.TraceId, ReceivedSpan.Client), (called.ParentId, seen[3..35], called.Kind));
        Assert.Equal(("127.0.0.1", "GET", "200"), (called.Attributes["server.address"], called.Attributes["http.request.method"], called.Attributes["http.response.status_code"]));
        Assert.Equal("resource://pipernet", gateway.Attributes["caracal.resource"]);
    }
}
