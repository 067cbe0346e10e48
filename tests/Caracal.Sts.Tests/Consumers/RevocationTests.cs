using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Consumers;

/// <summary>sts.md 11, group <c>sts-revocation</c>: which messages end a record.</summary>
public sealed class RevocationTests
{
    [Theory]
    [InlineData(Engine.Sqlite, "session_id")]
    [InlineData(Engine.Postgres, "sid")]
    [InlineData(Engine.Sqlite, "root_sid")]
    public async Task Every_name_of_a_record_is_understood(Engine engine, string name)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var claims = MandateToken.TryParse(await sts.MintAsync())!.Claims;
        await SendAsync(sts, new("zone_id", "zone-1"), new(name, claims.Sid!), new("reason", "because"));
        Assert.Equal("because", await sts.ScalarAsync<string>("SELECT revoked_reason FROM authority_records WHERE id = @Sid AND status = 'revoked'", claims));
        var applied = Assert.Single(sts.Log.Split('\n'), line => line.Contains("\"event\":\"revocation_applied\"", StringComparison.Ordinal));
        Assert.Contains($"\"zone_id\":\"zone-1\",\"record_id\":\"{claims.Sid}\"", applied, StringComparison.Ordinal);
        await SendAsync(sts, new("zone_id", "zone-1"), new(name, claims.Sid!), new("reason", "another"));
        Assert.Equal("because", await sts.ScalarAsync<string>("SELECT revoked_reason FROM authority_records WHERE id = @Sid", claims));
    }

    [Fact]
    public async Task A_record_of_another_zone_and_a_session_alone_write_nothing()
    {
        await using var sts = await StsHarness.StartAsync();
        var claims = MandateToken.TryParse(await sts.MintAsync())!.Claims;
        await SendAsync(sts, new("zone_id", "zone-2"), new("session_id", claims.Sid!));
        await SendAsync(sts, new("zone_id", "zone-1"), new("agent_session_id", "s2"));
        await SendAsync(sts, new("zone_id", "zone-1"), new("delegation_edge_id", "e1"));
        Assert.Equal("active", await sts.ScalarAsync<string>("SELECT status FROM authority_records WHERE id = @Sid", claims));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_canary_revokes_nothing_and_is_acknowledged_to_whoever_may_know(Engine engine)
    {
        const string token = "metrics-0123456789-abcdefghijklmnopq";
        await using var sts = await StsHarness.StartAsync(engine, ("METRICS_BEARER", token));
        Assert.False(await IsAcknowledgedAsync("canary-1"));
        await SendAsync(sts, new("zone_id", "caracal.sys"), new("session_id", "canary-1"), new("reason", "ops_canary"));
        await SendAsync(sts, new("zone_id", "zone-1"), new("session_id", "no-canary"));
        Assert.True(await IsAcknowledgedAsync("canary-1"));
        Assert.False(await IsAcknowledgedAsync("no-canary"));
        for (var i = 0; i < 64; i++) await SendAsync(sts, new("zone_id", "caracal.sys"), new("session_id", $"canary-of-later-{i}"));
        Assert.False(await IsAcknowledgedAsync("canary-1"));
        Assert.Equal(404, (await sts.GetAsync("/internal/revocations/canary-of-later-1")).Status);

        async Task<bool> IsAcknowledgedAsync(string anchor)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/internal/revocations/" + anchor);
            request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
            return (await sts.SendAsync(request)).Body.GetProperty("acknowledged").GetBoolean();
        }
    }

    private static async Task SendAsync(StsHarness sts, params KeyValuePair<string, string>[] fields)
    {
        var id = await sts.Streams.AppendAsync(Topics.SessionsRevoke, fields, null, CancellationToken.None);
        await sts.Streams.SettledAsync(Topics.SessionsRevoke, id, CancellationToken.None);
    }
}
