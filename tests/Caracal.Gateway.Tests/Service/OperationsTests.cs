using System.Net;
using Caracal.Gateway.Tests.Support;
using Caracal.Hosting;
using Caracal.Keys.Rings;

namespace Caracal.Gateway.Tests.Service;

public sealed class OperationsTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Health_answers_to_any_method_and_names_its_request()
    {
        using var response = await _host.Client.PutAsync(_host.Address + "/health", null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"ok":true}""", await response.Content.ReadAsStringAsync());
        Assert.True(response.Headers.Contains("X-Request-Id"));
    }

    [Fact]
    public async Task Ready_when_everything_answers()
    {
        using var response = await _host.Client.GetAsync(_host.Address + "/ready");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"ok":true,"ready":true}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    [Trait("requirement", "R48")]
    public async Task Readiness_names_the_first_that_fails()
    {
        _host.Sts.Healthy = false;
        Assert.Equal("""{"ok":false,"ready":false,"reason":"sts_unreachable"}""", await ReadyAsync());
        _host.Time.Advance(TimeSpan.FromSeconds(71));
        Assert.Equal("""{"ok":false,"ready":false,"reason":"revocation_snapshot_stale"}""", await ReadyAsync());
        _host.State.Down = true;
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("""{"ok":false,"ready":false,"reason":"redis_unreachable"}""", await ReadyAsync());
    }

    [Fact]
    [Trait("requirement", "R112")]
    public async Task Metrics_speak_both_spellings()
    {
        using var denied = await _host.Client.GetAsync(_host.Address + "/x");
        using var response = await _host.Client.GetAsync(_host.Address + "/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        var text = await response.Content.ReadAsStringAsync();
        foreach (var line in (string[])
        [
            "caracal_gateway_requests_total 1", "caracal_gateway_requests_denied_total 1", "caracal_gateway_denials_missing_auth_total 1",
            "caracal_gateway_denials_signature_total 0", "denials_signature 0", "denials_jti_replay 0", "denials_revoked 0",
            "sts_exchange_errors 0", "revocations_active 0", "caracal_gateway_revocations_active 0", "caracal_gateway_sts_circuit_open 0",
            "caracal_gateway_audit_queue_capacity 10000", "caracal_gateway_revocation_snapshot_fresh 1",
            "caracal_gateway_revocation_reloads_total 1", "caracal_gateway_audit_dropped_total 0",
        ])
        {
            Assert.Contains($"\n{line}\n", text, StringComparison.Ordinal);
        }

        var json = await _host.MetricsAsync();
        foreach (var key in (string[])
        [
            "requests_total", "requests_allowed", "requests_denied", "denials_missing_auth", "denials_bad_bearer", "denials_expiring",
            "denials_bad_routing", "denials_path_traversal", "denials_signature", "denials_jti_replay", "denials_revoked",
            "denials_revocation_stale", "denials_replay_unavailable", "sts_exchange_errors", "sts_circuit_opened", "sts_circuit_fast_fail",
            "upstream_errors", "audit_dropped", "audit_sink_errors", "audit_persisted", "audit_drained", "revocation_messages",
            "revocation_pending_replayed", "revocation_dead_letters", "revocation_invalid_signatures", "revocation_reloads",
            "revocation_reload_errors", "sts_exchange_latency_ms", "sts_circuit_open", "audit_replay_files", "audit_replay_bytes",
            "audit_replay_oldest_age_seconds", "audit_queue_depth", "audit_queue_cap", "revocations_active",
            "revocation_snapshot_age_seconds", "revocation_snapshot_fresh", "revocation_propagation_seconds",
        ])
        {
            Assert.True(json.TryGetProperty(key, out _), key);
        }
    }

    [Fact]
    public async Task Metrics_need_the_bearer_outside_dev()
    {
        await using var closed = await GatewayHost.StartAsync(settings => settings with { Mode = CaracalMode.Stable });
        using var refused = await closed.Client.GetAsync(closed.Address + "/metrics");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("unauthorized", await refused.Content.ReadAsStringAsync());

        const string Token = "metrics-bearer-0123456789-abcdefghijkl";
        await using var open = await GatewayHost.StartAsync(settings => settings with { MetricsToken = TokenRing.Of(KeyClass.MetricsBearer, Token) });
        using var request = new HttpRequestMessage(HttpMethod.Get, open.Address + "/metrics.json");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Token);
        using var allowed = await open.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    [Fact]
    public async Task Says_whether_it_finds_a_key_and_where_it_would_go_to_who_may_read_its_metrics()
    {
        const string Token = "metrics-bearer-0123456789-abcdefghijkl";
        await using var host = await GatewayHost.StartAsync(settings => settings with
        {
            Mode = CaracalMode.Stable,
            AllowPrivateUpstreams = false,
            MetricsToken = TokenRing.Of(KeyClass.MetricsBearer, Token),
        });
        Task<string> AskAsync(string path)
        {
            host.Client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
            return host.Client.GetStringAsync(host.Address + path);
        }

        using var stranger = await host.Client.GetAsync(host.Address + "/internal/egress/169.254.169.254");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode); // a governed call like any other
        Assert.Contains("\"found\":true", await AskAsync($"/internal/zones/zone-1/keys/{TestMandates.KeyId}"), StringComparison.Ordinal);
        Assert.Contains("\"found\":false", await AskAsync("/internal/zones/zone-1/keys/nobody"), StringComparison.Ordinal);
        foreach (var address in (string[])["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "10.0.0.1"])
        {
            Assert.Contains("\"allowed\":false", await AskAsync("/internal/egress/" + address), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Says_whether_the_STS_takes_its_signature_and_refuses_a_foreign_one()
    {
        const string Token = "metrics-bearer-0123456789-abcdefghijkl";
        await using var host = await GatewayHost.StartAsync(settings => settings with { Mode = CaracalMode.Stable, MetricsToken = TokenRing.Of(KeyClass.MetricsBearer, Token) });
        async Task<(HttpStatusCode Status, string Body)> AskAsync(string? body, string? token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, host.Address + "/internal/selftest/exchange") { Content = body is null ? null : new StringContent(body) };
            if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            using var answer = await host.SendAsync(request);
            return (answer.StatusCode, System.Text.RegularExpressions.Regex.Replace(await answer.Content.ReadAsStringAsync(), "\"ms\":[0-9]+", "\"ms\":0"));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync("{}", null)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync("{}", "wrong")).Status);
        const string Accepted = """{"ok":true,"status":200,"matched_sid":"sid_0123456789abcdef","ms":0}""";
        Assert.Equal((HttpStatusCode.OK, Accepted), await AskAsync("""{"bad_key":false}""", Token));
        Assert.Equal((HttpStatusCode.OK, Accepted), await AskAsync(null, Token));
        Assert.Equal((HttpStatusCode.OK, """{"ok":true,"status":401,"ms":0}"""), await AskAsync("""{"bad_key":true}""", Token));
        Assert.Equal(HttpStatusCode.BadRequest, (await AskAsync("""{"bad_key":1}""", Token)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await AskAsync("bad_key", Token)).Status);
        await host.Sts.StopAsync();
        Assert.Equal((HttpStatusCode.OK, """{"ok":false,"status":0,"ms":0}"""), await AskAsync("{}", Token));
    }

    [Fact]
    public async Task Reserved_paths_shadow_the_upstreams_and_others_do_not()
    {
        using var reload = await _host.SendAsync(_host.Request("/internal/revocations/reload"));
        Assert.Equal(HttpStatusCode.OK, reload.StatusCode);
        Assert.Equal("/internal/revocations/reload", Assert.Single(_host.Upstream.Seen).Target);
    }

    private async Task<string> ReadyAsync()
    {
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        using var response = await _host.Client.GetAsync(_host.Address + "/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }
}
