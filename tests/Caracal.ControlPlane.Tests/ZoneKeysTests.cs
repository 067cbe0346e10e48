using Caracal.ControlPlane.ZoneKeys;
using Caracal.Storage.ZoneKeys;

namespace Caracal.ControlPlane.Tests;

public sealed class ZoneKeysTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    [Trait("requirement", "R65")]
    public async Task Publishes_the_next_key_before_it_signs()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var first = Assert.Single((await api.GetAsync($"/v1/zones/{zone}/keys")).Json.EnumerateArray().ToList());
        Assert.Equal("active", first.GetProperty("state").GetString());
        var rotated = await api.PostAsync($"/v1/zones/{zone}/keys/rotate");
        Assert.Equal(200, rotated.Status);
        Assert.Equal("next", rotated.Get("state"));
        Assert.Equal(first.GetProperty("kid").GetString(), rotated.Get("previous_kid"));
        Assert.Null(rotated.Json.GetProperty("evicted_kid").GetString());
        Assert.Equal("rotation_in_progress", (await api.PostAsync($"/v1/zones/{zone}/keys/rotate")).Error);
        var forced = await api.PostAsync($"/v1/zones/{zone}/keys/rotate", """{"force":true}""");
        Assert.Equal(rotated.Get("kid"), forced.Get("evicted_kid"));
        var states = (await api.GetAsync($"/v1/zones/{zone}/keys")).Json.EnumerateArray().Select(key => key.GetProperty("state").GetString());
        Assert.Equal(["next", "retired", "active"], states);
        var events = await api.AnnouncedAsync("caracal.keys.invalidate");
        Assert.Equal(["rotate", "retire", "rotate"], events.Select(message => message.GetProperty("event").GetString()));
        Assert.All(events, message => Assert.Equal(zone, message.GetProperty("zone_id").GetString()));
    }

    [Fact]
    [Trait("requirement", "R69")]
    public async Task Activates_at_once_when_asked_and_keeps_the_old_key_published()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var rotated = await api.PostAsync($"/v1/zones/{zone}/keys/rotate", """{"activation":"immediate"}""");
        Assert.Equal("active", rotated.Get("state"));
        var previous = rotated.Get("previous_kid");
        Assert.Equal("overlap_not_elapsed", (await api.PostAsync($"/v1/zones/{zone}/keys/{previous}/retire")).Error);
        var forced = await api.PostAsync($"/v1/zones/{zone}/keys/rotate", """{"force":true,"activation":"immediate"}""");
        Assert.Equal("live_mandates_may_fail", forced.Get("warning"));
        Assert.Equal(404, (await api.PostAsync($"/v1/zones/{zone}/keys/{previous}/retire")).Status);
    }

    [Fact]
    public async Task Takes_a_compromised_key_out_and_revokes_what_it_signed()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var first = (await api.GetAsync($"/v1/zones/{zone}/keys")).Json[0].GetProperty("kid").GetString();
        await api.ExecuteAsync($"""
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
            VALUES ('rec-1', '{zone}', 'application', 'app', 'active', 9000000000000000, 0, 8000000000000000)
            """);
        var rotated = await api.PostAsync($"/v1/zones/{zone}/keys/rotate", """{"compromised":true}""");
        Assert.Equal("active", rotated.Get("state"));
        Assert.Equal(first, rotated.Get("evicted_kid"));
        Assert.Equal("revoked", (await api.RowsAsync("SELECT status FROM authority_records"))[0]["status"]);
        Assert.Contains(await api.AnnouncedAsync("caracal.keys.invalidate"), message => message.GetProperty("event").GetString() == "compromise");
    }

    [Theory]
    [InlineData("""{"activation":"soon"}""")]
    [InlineData("""{"prepublish_seconds":86401}""")]
    [InlineData("""{"x":1}""")]
    public async Task Refuses_rotations_that_make_no_sense(string body)
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(400, (await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/keys/rotate", body)).Status);
    }

    [Fact]
    public void Retires_a_key_whose_overlap_has_passed_by_itself()
    {
        ZoneKeyRow[] keys =
        [
            new() { Id = "b", Version = 2, State = "active", ActivatesAt = Now - TimeSpan.FromSeconds(3960) },
            new() { Id = "a", Version = 1, State = "previous", ActivatesAt = Now - TimeSpan.FromDays(2) },
        ];
        var request = new RotationRequest(false, TimeSpan.FromSeconds(960), false, false);
        var plan = ZoneKeyRotation.Plan(keys, request, Now);
        Assert.False(plan.InProgress);
        Assert.Equal(("a", "retired"), plan.Leave.Select(leaving => (leaving.Key.Id, leaving.State)).Single());
        Assert.True(ZoneKeyRotation.Plan(keys, request, Now - TimeSpan.FromSeconds(1)).InProgress);
    }

    [Fact]
    public void Lets_a_due_key_sign_before_it_publishes_another()
    {
        ZoneKeyRow[] keys =
        [
            new() { Id = "b", Version = 2, State = "next", ActivatesAt = Now },
            new() { Id = "a", Version = 1, State = "active", ActivatesAt = Now - TimeSpan.FromDays(2) },
        ];
        var plan = ZoneKeyRotation.Plan(keys, new RotationRequest(false, TimeSpan.FromSeconds(960), true, false), Now);
        Assert.Equal("b", plan.Activate!.Id);
        Assert.Equal("b", plan.PreviousKeyId);
        Assert.Equal("a", plan.EvictedKeyId);
        Assert.True(plan.LiveMandatesMayFail);
    }
}
