using System.Net;
using System.Text;
using Caracal.Egress;
using Caracal.Gateway.Admission;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;
using Caracal.Gateway.Upstream;
using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Caracal.Protocol.Exchange;
using Caracal.Protocol.Mandates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Forwarding;

/// <summary>
/// Steps 16 to 20 alone, for one upstream: what forwarding costs without any governance. It exists to be measured
/// (<c>caracal bench proxy</c>), listens on loopback and calls loopback, and is no part of any service.
/// </summary>
public sealed class UngovernedForwarder : IAsyncDisposable
{
    private readonly RoleServer _server;
    private readonly GuardedHttp _http;
    private readonly IGatewayStep[] _steps;
    private readonly ExchangeGrant _grant;
    private readonly MandateToken _token;
    private readonly RevocationState _revocations = new(TimeProvider.System);
    private readonly LiveAnswers _live;
    private readonly GatewaySettings _settings;

    private UngovernedForwarder(Uri upstream, int port, ILoggerProvider logging)
    {
        _settings = new GatewaySettings
        {
            Mode = Hosting.CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = port },
            StsUrl = "",
            StreamKeys = HmacKeyRing.Of(KeyClass.StreamsHmac, new byte[32]),
        };
        _live = new LiveAnswers(_revocations);
        var guard = new EgressGuard(new EgressPolicy(allowPrivate: true, [], [upstream.Host]), new SystemHostResolver(), TimeProvider.System);
        _http = new GuardedHttp(guard, new GuardedHttpOptions());
        _steps =
        [
            new CheckPath(),
            new GuardUpstream(guard, new UpstreamTargets()),
            new CheckCredentialHost(),
            new BuildRequest(_settings),
            new SendRequest(_http, budgets: null, _settings),
        ];
        _grant = new ExchangeGrant("-", 0, new UpstreamDirective { Url = upstream.ToString(), AuthMode = "none" });
        _token = MandateToken.TryParse($"{Part("{}")}.{Part("""{"sid":"-"}""")}.")!;
        _server = RoleServer.Create(
            new RoleServerOptions { Role = "forwarder", Listen = _settings.Listen, RequestIdRule = RequestIdRule.Gateway, MaximumBodySize = null, MapsRoutes = false }, logging);
        _server.Application.Run(ForwardAsync);
    }

    /// <summary>Starts forwarding every request to <paramref name="upstream"/>, which must be on this machine.</summary>
    /// <param name="upstream">A loopback http URL.</param>
    /// <param name="port">0 takes a free one.</param>
    /// <param name="logging">Where faults go.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<UngovernedForwarder> StartAsync(
        Uri upstream, int port, ILoggerProvider logging, CancellationToken cancellationToken)
    {
        if (!IPAddress.TryParse(upstream.Host, out var address) || !IPAddress.IsLoopback(address))
        {
            throw new ArgumentException("the upstream of an ungoverned forwarder must be a loopback address", nameof(upstream));
        }

        var forwarder = new UngovernedForwarder(upstream, port, logging);
        await forwarder._server.StartAsync(cancellationToken);
        return forwarder;
    }

    /// <summary>The base address.</summary>
    public string Address => _server.Address;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _http.Dispose();
    }

    private async Task ForwardAsync(HttpContext http)
    {
        var target = RequestTarget.Parse(http.Features.Get<IHttpRequestFeature>()!.RawTarget);
        await using var call = new GatewayCall(http, target, http.RequestId(), DateTimeOffset.UnixEpoch) { Token = _token, Grant = _grant };
        foreach (var step in _steps)
        {
            var verdict = await step.JudgeAsync(call);
            if (!verdict.Passes)
            {
                await ErrorBody.WriteAsync(http, verdict.Refusal);
                return;
            }
        }

        AnswerHeaderRules.Copy(call.Answer!, http.Response, secondsLeft: 0, credential: null);
        using var copy = new AnswerCopy(call, _revocations, _live, _settings);
        var end = await copy.RunAsync();
        if (end == CopyEnd.Failed)
        {
            http.Abort();
            return;
        }

        await copy.FinishAsync(end, []);
    }

    private static string Part(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.ASCII.GetBytes(json));
}
