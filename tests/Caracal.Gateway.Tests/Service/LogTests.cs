using System.Net;
using System.Text.Json;
using Caracal.Gateway.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Tests.Service;

/// <summary>gateway.md A13, field by field, on lines that real requests left.</summary>
public sealed class LogTests
{
    private static readonly string[] Everywhere = ["time", "level", "msg", "service", "hostname", "pid", "version", "env", "request_id", "client_ip"];

    [Fact]
    public async Task A_proxied_request_leaves_one_line_with_every_field_at_debug()
    {
        await using var host = await GatewayHost.StartAsync(level: LogLevel.Debug);
        var bearer = host.Mandate();
        using var request = host.Request("/v1/items?api_key=s3cret-value-of-a-caller", bearer);
        request.Headers.TryAddWithoutValidation("X-Request-Id", "req-42");
        request.Headers.TryAddWithoutValidation("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        var line = Assert.Single(await host.LinesAsync("request_proxied"));
        HasAll(line, [.. Everywhere, "zone_id", "application_id", "resource", "subject_fp", "upstream_host", "auth_mode",
            "sts_latency_ms", "upstream_latency_ms", "trace_id", "status", "method"]);
        Assert.Equal(
            ("req-42", "127.0.0.1", "zone-1", "app-1", GatewayHost.Resource, "127.0.0.1", "caracal_jwt", 200, "4bf92f3577b34da6a3ce929d0e0e4736", "gateway"),
            (Text(line, "request_id"), Text(line, "client_ip"), Text(line, "zone_id"), Text(line, "application_id"), Text(line, "resource"),
                Text(line, "upstream_host"), Text(line, "auth_mode"), line.GetProperty("status").GetInt32(), Text(line, "trace_id"), Text(line, "service")));
        Assert.Equal(16, Text(line, "subject_fp").Length);
        Assert.True(line.GetProperty("sts_latency_ms").GetInt64() >= 0 && line.GetProperty("upstream_latency_ms").GetInt64() >= 0);
        Assert.DoesNotContain("s3cret", host.Log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(bearer.Split('.')[2], host.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_goes_well_writes_nothing_at_info()
    {
        await using var host = await GatewayHost.StartAsync();
        using var response = await host.SendAsync(host.Request());
        Assert.Equal("""{"ok":true}""", await response.Content.ReadAsStringAsync());
        Assert.Empty(host.Log.ToString());
    }

    [Fact]
    public async Task A_denial_names_its_row_and_blames_nobody_before_the_signature_holds()
    {
        await using var host = await GatewayHost.StartAsync();
        var forged = host.Mandate()[..^4] + "AAAA";
        using var response = await host.SendAsync(host.Request(bearer: forged));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);

        var line = Assert.Single(await host.LinesAsync("request_denied"));
        HasAll(line, [.. Everywhere, "resource", "subject_fp", "status", "error_code", "reason", "method"]);
        Assert.Equal(("denials_signature", 401, "invalid_token"), (Text(line, "reason"), line.GetProperty("status").GetInt32(), Text(line, "error_code")));
        Assert.False(line.TryGetProperty("zone_id", out _));
        Assert.False(line.TryGetProperty("application_id", out _));
    }

    [Fact]
    public async Task A_replay_has_a_line_of_its_own_that_names_whose_mandate_it_was()
    {
        await using var host = await GatewayHost.StartAsync();
        var bearer = host.Mandate();
        using var first = await host.SendAsync(host.Request(bearer: bearer));
        using var second = await host.SendAsync(host.Request(bearer: bearer));
        Assert.Equal(HttpStatusCode.Unauthorized, second.StatusCode);

        var line = Assert.Single(await host.LinesAsync("jti_replay_rejected"));
        Assert.Equal(("warn", "denials_jti_replay", "zone-1", "app-1"), (Text(line, "level"), Text(line, "reason"), Text(line, "zone_id"), Text(line, "application_id")));
    }

    [Fact]
    public async Task A_failure_names_its_kind_and_the_upstream()
    {
        await using var host = await GatewayHost.StartAsync();
        await host.Upstream.StopAsync();
        using var response = await host.SendAsync(host.Request());
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);

        var line = Assert.Single(await host.LinesAsync("upstream_failed"));
        HasAll(line, [.. Everywhere, "zone_id", "application_id", "resource", "subject_fp", "upstream_host", "auth_mode",
            "sts_latency_ms", "upstream_latency_ms", "trace_id", "status", "error_code", "error_kind"]);
        Assert.Equal(("transport_error", 502), (Text(line, "error_kind"), line.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task What_a_caller_writes_into_its_headers_stays_one_line_and_loses_what_looks_secret()
    {
        await using var host = await GatewayHost.StartAsync();
        using var request = host.Request();
        request.Headers.Remove("X-Caracal-Resource");
        request.Headers.TryAddWithoutValidation("X-Caracal-Resource", """resource://x","level":"error","zone_id":"victim?token=abcdef0123""");
        request.Headers.TryAddWithoutValidation("X-Caracal-Client-ID", "app-9");
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var line = Assert.Single(await host.LinesAsync("request_denied"));
        Assert.Equal("info", Text(line, "level"));
        Assert.DoesNotContain("abcdef0123", host.Log.ToString(), StringComparison.Ordinal);
    }

    private static void HasAll(JsonElement line, string[] fields) =>
        Assert.All(fields, field => Assert.True(line.TryGetProperty(field, out _), field));

    private static string Text(JsonElement line, string field) => line.GetProperty(field).GetString()!;
}
