using System.Diagnostics;
using System.Net;
using Caracal.Gateway.Tests.Support;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>The end of a delegation, from <c>caracal.delegations.invalidate</c> to the cut stream (gateway.md A7).</summary>
public sealed class DelegationInvalidationTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("edge_revoke", "edge_id", "edge-1")]
    [InlineData("edge_revoke", "edge_id", "edge-0")] // where edge-1 came from
    [InlineData("edge_expire", "edge_ids", """["other","edge-1"]""")]
    public async Task An_open_stream_ends_within_a_second_of_the_end_of_its_delegation(string change, string field, string value)
    {
        using var response = await OpenAsync();
        var stream = await response.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[9]);

        var watch = Stopwatch.StartNew();
        await _host.PublishAsync(
            Topics.DelegationsInvalidate, _host.StreamKeys, ("event", change), ("zone_id", TestMandates.Zone), (field, value), ("epoch", "8"));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Equal("true", response.TrailingHeaders.GetValues("X-Caracal-Revoked").Single());
        using var next = await _host.SendAsync(_host.Request());
        Assert.Equal(value == "edge-0" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, next.StatusCode);
    }

    [Theory]
    [InlineData("edge_create", "edge_id", "edge-1")]
    [InlineData("edge_revoke", "edge_id", "edge-9")]
    public async Task A_new_delegation_and_the_end_of_another_leave_a_stream_alone(string change, string field, string value)
    {
        using var response = await OpenAsync();
        var stream = await response.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[9]);
        await _host.PublishAsync(
            Topics.DelegationsInvalidate, _host.StreamKeys, ("event", change), ("zone_id", TestMandates.Zone), (field, value), ("epoch", "8"));
        await _host.PublishAsync(Topics.DelegationsInvalidate, _host.StreamKeys, ("event", "edge_revoke"), ("zone_id", TestMandates.Zone), ("edge_id", "last"), ("epoch", "9"));
        await GatewayHost.UntilAsync(async () => await _host.MetricAsync("revocation_messages") == (change == "edge_create" ? 1 : 2));
        Assert.False(stream.ReadAsync(new byte[1]).AsTask().IsCompleted);
    }

    [Fact]
    public async Task A_message_that_names_nothing_marks_nothing()
    {
        await _host.PublishAsync(Topics.DelegationsInvalidate, _host.StreamKeys, ("event", "edge_revoke"), ("zone_id", TestMandates.Zone), ("edge_id", "edge-1"));
        await _host.PublishAsync(Topics.DelegationsInvalidate, _host.StreamKeys, ("event", "edge_expire"), ("zone_id", TestMandates.Zone), ("edge_ids", "edge-1"), ("epoch", "3"));
        await _host.PublishAsync(Topics.DelegationsInvalidate, null, ("event", "edge_revoke"), ("zone_id", TestMandates.Zone), ("edge_id", "edge-1"), ("epoch", "3"));
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", TestMandates.Zone), ("session_id", "other"));
        await GatewayHost.UntilAsync(async () =>
            await _host.MetricAsync("revocation_messages") == 1 && await _host.MetricAsync("revocation_invalid_signatures") == 1);
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    // A mandate that holds edge-1, handed down by edge-0, on an endless answer.
    private async Task<HttpResponseMessage> OpenAsync()
    {
        _host.Upstream.Answer = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: 1\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        var claims = TestMandates.Claims(_host.Time.GetUtcNow()) with { DelegationPath = ["edge-0", "edge-1"] };
        var response = await _host.SendAsync(_host.Request(bearer: TestMandates.Sign(claims)));
        _host.Upstream.Answer = null;
        return response;
    }
}
