using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Applications;
using Caracal.ControlPlane.KillSwitch;
using Caracal.ControlPlane.Operations;
using Caracal.Hosting.Settings;
using Caracal.Storage;
using Caracal.Storage.Outbox;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.ControlPlane.Tests;

public sealed class JobsTests
{
    [Fact]
    public async Task Archives_registrations_a_day_after_they_expired_and_ends_what_lives_of_them()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await api.PatchAsync($"/v1/zones/{zone}", """{"dcr_enabled":true}""");
        var old = (await api.PostAsync($"/v1/zones/{zone}/applications/dcr", """{"name":"old"}""")).Get("id");
        var fresh = (await api.PostAsync($"/v1/zones/{zone}/applications/dcr", """{"name":"fresh"}""")).Get("id");
        await api.ExecuteAsync($"UPDATE applications SET expires_at = {Instants.ToMicroseconds(DateTimeOffset.UtcNow.AddHours(-25))} WHERE id = '{old}'");
        await api.ExecuteAsync($"UPDATE applications SET expires_at = {Instants.ToMicroseconds(DateTimeOffset.UtcNow.AddHours(-23))} WHERE id = '{fresh}'");
        await Authority.SeedAsync(api, zone, old);
        await (await JobsAsync(api)).ArchiveExpiredRegistrationsAsync(CancellationToken.None);
        Assert.Equal(404, (await api.GetAsync($"/v1/zones/{zone}/applications/{old}")).Status);
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{zone}/applications/{fresh}")).Status);
        Assert.All(await api.RowsAsync("SELECT status FROM sessions"), row => Assert.Equal("terminated", row["status"]));
        Assert.NotEmpty(await api.AnnouncedAsync("caracal.sessions.revoke"));
    }

    [Fact]
    public async Task Expires_records_whose_time_has_passed_and_no_others()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await Authority.SeedAsync(api, zone, await api.ApplicationAsync(zone));
        await api.ExecuteAsync("UPDATE authority_records SET expires_at = 5 WHERE id = 'rec-1'");
        await (await JobsAsync(api)).ExpireRecordsAsync(CancellationToken.None);
        Assert.Equal(["expired", "active"], (await api.RowsAsync("SELECT status FROM authority_records ORDER BY id")).Select(row => row["status"]));
    }

    [Fact]
    public async Task Takes_old_announcements_out_and_leaves_undelivered_ones()
    {
        await using var api = await ApiHost.StartAsync();
        await api.ExecuteAsync("""
            INSERT INTO event_outbox (id, stream_name, payload_json, available_at, created_at, dispatched_at)
            VALUES ('old', 's', '{}', 1, 1, 1), ('waiting', 's', '{}', 1, 1, NULL)
            """);
        await (await JobsAsync(api)).TrimOutboxAsync(CancellationToken.None);
        Assert.Equal(["waiting"], (await api.RowsAsync("SELECT id FROM event_outbox")).Select(row => row["id"]));
    }

    private static async Task<ControlPlaneJobs> JobsAsync(ApiHost api)
    {
        var clock = new DatabaseClock(api.Database, TimeProvider.System);
        await clock.MeasureAsync(CancellationToken.None);
        var settings = ControlPlaneSettings.Read(new SettingsReader(
            new Dictionary<string, string?>
            {
                ["CARACAL_MODE"] = "dev",
                ["ZONE_KEK"] = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01",
            },
            ControlPlaneSettings.Role));
        var changes = new Changes(api.Database, clock, new EventOutbox(), settings.AuditKeys, NullLogger.Instance);
        return new ControlPlaneJobs(api.Database, clock, new ApplicationArchive(new EndAuthority(changes)), api.Service.Notifications, settings);
    }
}
