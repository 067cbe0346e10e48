using System.Net;
using System.Text;
using Caracal.Gateway.Tests.Support;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Dapper;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Revocation from its signed message, or the database, to the denied call and the cut stream.</summary>
public sealed class RevocationTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [Trait("requirement", "R36")]
    [InlineData("session_id", "ar-1")]
    [InlineData("session_id", "ar-root")]
    [InlineData("sid", "ar-1")]
    [InlineData("root_sid", "ar-root")]
    [InlineData("agent_session_id", "sess-1")]
    [InlineData("delegation_edge_id", "edge-1")]
    [InlineData("edge_id", "edge-1")]
    public async Task A_signed_message_for_any_anchor_denies_the_next_call(string field, string value)
    {
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), (field, value), ("reason", "test"));
        await CountedAsync("revocation_messages");
        var applied = Assert.Single(await _host.LinesAsync("revocation_applied"));
        Assert.Equal(("zone-1", Topics.SessionsRevoke), (applied.GetProperty("zone_id").GetString(), applied.GetProperty("topic").GetString()));
        Assert.Contains($"\"{value}\"", applied.GetRawText(), StringComparison.Ordinal);
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("session revoked", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await _host.MetricAsync("denials_revoked"));
        Assert.Equal(1, await _host.MetricAsync("revocations_active"));
        Assert.Empty(_host.Sts.Exchanges);
        var denied = Assert.Single(await _host.EventsAsync());
        Assert.Equal("gateway_denied", denied.GetProperty("event_type").GetString());
        Assert.Equal("denials_revoked", denied.GetProperty("metadata_json").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_wrongly_signed_or_unsigned_message_has_no_effect_and_is_kept_aside()
    {
        var foreign = HmacKeyRing.Of(KeyClass.StreamsHmac, new byte[32]);
        await _host.PublishAsync(Topics.SessionsRevoke, foreign, ("zone_id", "zone-1"), ("session_id", "ar-1"));
        await _host.PublishAsync(Topics.SessionsRevoke, null, ("zone_id", "zone-1"), ("session_id", "ar-1"));
        await CountedAsync("revocation_invalid_signatures", 2);
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, await _host.MetricAsync("revocation_messages"));

        await GatewayHost.UntilAsync(async () => (await DeadAsync()).Count == 2);
        var dead = await DeadAsync();
        Assert.All(dead, entry => Assert.Equal("invalid_signature", entry.Value("error")));
        Assert.Contains("\"session_id\":\"ar-1\"", dead[0].Value("values"), StringComparison.Ordinal);
        Assert.NotNull(dead[0].Value("original_id"));
    }

    [Fact]
    public async Task A_message_without_an_anchor_marks_nothing()
    {
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("reason", "x"));
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("session_id", "other"));
        await CountedAsync("revocation_messages");
        Assert.Equal(1, await _host.MetricAsync("revocations_active"));
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_suspended_session_is_denied_until_it_resumes()
    {
        await LifecycleAsync("suspend");
        await GatewayHost.UntilAsync(async () => await _host.MetricAsync("revocations_active") == 1);
        using var denied = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, denied.StatusCode);

        await LifecycleAsync("resume");
        await GatewayHost.UntilAsync(async () => await _host.MetricAsync("revocations_active") == 0);
        using var allowed = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    [Fact]
    public async Task What_the_database_calls_revoked_is_denied_after_a_reload()
    {
        await _host.Database.WriteAsync(async work =>
        {
            var now = _host.Time.GetUtcNow();
            await work.Connection.ExecuteAsync(
                "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('zone-1', 'One', 'one', @now, @now)", new { now });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES ('ar-root', 'zone-1', 'application', 'app-1', 'revoked', @later, @now, @now)
                """,
                new { now, later = now.AddHours(1) });
        });
        using var before = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var reload = await _host.SendAsync(Reload(GatewayHost.AdminToken));
        Assert.Equal("""{"ok":true,"revocations":1}""", await reload.Content.ReadAsStringAsync());
        using var after = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    [Fact]
    public async Task An_operator_can_ask_for_one_anchor()
    {
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("session_id", "ar-1"));
        await CountedAsync("revocation_messages");
        var route = _host.Address + "/internal/revocations/";
        Assert.Equal("""{"anchor":"ar-2","revoked":false}""", await _host.Client.GetStringAsync(route + "ar-2"));
        Assert.Equal("""{"anchor":"ar-1","revoked":true}""", await _host.Client.GetStringAsync(route + "ar-1"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public async Task The_reload_route_does_not_exist_for_others(string? token)
    {
        using var response = await _host.SendAsync(Reload(token));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("not found", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_idle_stream_ends_at_once_when_its_authority_is_revoked()
    {
        _host.Upstream.Answer = async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: 1\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var stream = await response.Content.ReadAsStreamAsync();
        var first = new byte[9];
        await stream.ReadExactlyAsync(first);
        Assert.Equal("data: 1\n\n", Encoding.ASCII.GetString(first));

        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("agent_session_id", "sess-1"));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal("true", response.TrailingHeaders.GetValues("X-Caracal-Revoked").Single());

        var metadata = Assert.Single(await _host.EventsAsync()).GetProperty("metadata_json");
        Assert.True(metadata.GetProperty("revocation_interrupted").GetBoolean());
        Assert.Equal(9, metadata.GetProperty("response_bytes").GetInt64());
    }

    [Fact]
    public async Task A_promised_length_that_a_revocation_cuts_short_is_visibly_cut()
    {
        _host.Upstream.Answer = async http =>
        {
            http.Response.ContentLength = 100;
            await http.Response.WriteAsync("half");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        };
        using var response = await _host.SendAsync(_host.Request());
        var reading = response.Content.ReadAsStringAsync();
        await _host.PublishAsync(Topics.SessionsRevoke, _host.StreamKeys, ("zone_id", "zone-1"), ("session_id", "ar-1"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => reading.WaitAsync(TimeSpan.FromSeconds(5)));
    }

    private Task LifecycleAsync(string change) => _host.PublishAsync(
        Topics.AgentsLifecycle, _host.StreamKeys, ("event", change), ("zone_id", "zone-1"), ("agent_session_id", "sess-1"));

    private Task CountedAsync(string counter, long count = 1) =>
        GatewayHost.UntilAsync(async () => await _host.MetricAsync(counter) == count);

    private Task<IReadOnlyList<Caracal.Streams.StreamEntry>> DeadAsync() =>
        _host.Streams.RangeAsync(Topics.Dead(Topics.SessionsRevoke), null, 10, CancellationToken.None);

    private HttpRequestMessage Reload(string? token)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _host.Address + "/internal/revocations/reload");
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        }

        return request;
    }
}
