using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.Json;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.Privileges;
using Caracal.Storage.Rotations;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>Keys that rotate by age: every boundary of time, and whose rotation is whose. The clock is moved, the files and the store are real.</summary>
public sealed class ScheduledRotationsTests : IAsyncLifetime
{
    private const string Streams = KeyClass.StreamsHmac;
    private const string All = "/v1/operations/rotations";
    private static readonly RotatableClass Class = RotatableClass.Find(Streams)!;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-schedule-");
    private readonly MovableTime time = new();
    private readonly StringWriter log = new();
    private TestStore store = null!;
    private ApiHost api = null!;
    private string old = "";

    private SlotFiles Files => new(folder.FullName, Class);

    public async ValueTask InitializeAsync()
    {
        SecretFolder.Provision(folder.FullName);
        old = Files.Current!;

        // Three in the morning of the next day, in the window.
        time.Advance(time.GetUtcNow().UtcDateTime.Date.AddHours(27) - time.GetUtcNow().UtcDateTime);
        store = await TestStore.CreateAsync(Engine.Sqlite, ServiceRole.Api, time);
        api = await StartAsync(store, time);

        // The first look is the service's own; the others are the tests'.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await api.Database.ReadAsync(RotationScheduleStore.ListAsync)).Count < 3) await Task.Delay(20, limit.Token);
        await api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, Streams, "", old, "active", null, time.GetUtcNow()));
        await BeatAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        await store.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Announces_a_day_before_and_begins_when_the_value_is_due_and_its_window_is_open()
    {
        await MoveAsync(TimeSpan.FromDays(29) - TimeSpan.FromMinutes(1));
        Assert.Null((await RowAsync()).AnnouncedAt);
        Assert.Empty(await api.AnnouncedAsync("caracal.audit.events"));

        await MoveAsync(TimeSpan.FromMinutes(2));
        var announced = await RowAsync();
        Assert.Equal(old, announced.AnnouncedSid);
        var told = JsonDocument.Parse(Assert.Single(await api.AnnouncedAsync("caracal.audit.events")).GetProperty("data").GetString()!).RootElement;
        Assert.Equal("key_rotation_announced", told.GetProperty("event_type").GetString());
        Assert.Contains("key_rotation_announced", log.ToString(), StringComparison.Ordinal);

        // Due at three, begun when the notice is over a minute later.
        await MoveAsync(TimeSpan.FromDays(1) - TimeSpan.FromMinutes(1));
        Assert.Empty(await RotationsAsync());
        await MoveAsync(TimeSpan.FromHours(3));
        Assert.Empty(await RotationsAsync()); // The window is over.
        await MoveAsync(TimeSpan.FromHours(19.5));
        Assert.Single(await api.AnnouncedAsync("caracal.audit.events"));
        Assert.Empty(await RotationsAsync());
        await MoveAsync(TimeSpan.FromHours(1));

        var begun = Assert.Single(await RotationsAsync());
        Assert.Equal((ScheduleCalls.Actor, "prepared", "scheduled"), (begun.Actor, begun.State, begun.ReasonKind));
        Assert.Equal((begun.ToSid, begun.FromSid), (Files.Next, old));
    }

    [Fact]
    public async Task Goes_through_the_gates_of_everybody_and_retires_inside_the_window()
    {
        var rotation = await BegunAsync();
        await BeatAsync(next: rotation.ToSid);
        await LookAsync();
        Assert.Equal("deployed", (await RotationsAsync())[0].State);
        Assert.Equal(old, Files.Current);
        await LookAsync();
        Assert.Equal(rotation.ToSid, Files.Current);
        Assert.Equal("deployed", (await RotationsAsync())[0].State);
        await BeatAsync(rotation.ToSid, previous: old);
        await LookAsync();
        Assert.Equal("rolled", (await RotationsAsync())[0].State);

        // What runs the checks of services stands in another test; here they have passed, 26 hours before the next window.
        await SetAsync(rotation.Id, RotationState.Verified);
        await MoveAsync(TimeSpan.FromHours(23), rotation.ToSid, previous: old);
        Assert.Contains("is verified until", (await RowAsync()).Detail, StringComparison.Ordinal);
        await MoveAsync(TimeSpan.FromHours(4), rotation.ToSid, previous: old);
        Assert.Equal("verified", (await RotationsAsync())[0].State); // Its windows are over, the calendar's is not open.
        await api.ExecuteAsync("UPDATE event_outbox SET dispatched_at = 1");
        await MoveAsync(TimeSpan.FromHours(20), rotation.ToSid, previous: old);
        Assert.Equal("retired", (await RotationsAsync())[0].State);
        await LookAsync();
        Assert.Empty(Files.Previous);
        await BeatAsync(rotation.ToSid);
        Assert.Null((await api.GetAsync($"{All}/{rotation.Id}")).Json.GetProperty("retirable_at").GetString());
        Assert.True((await RowAsync()).DueAt > time.GetUtcNow());
    }

    [Fact]
    public async Task Names_who_is_behind_and_gives_up_what_nobody_signs_with_then_rests_a_day()
    {
        var rotation = await BegunAsync();
        await OtherBeatsAsync("sts", "host-2", old);
        await BeatAsync(next: rotation.ToSid);
        await LookAsync();
        var stalled = await RowAsync();
        Assert.Contains("waiting for sts/host-2", stalled.Detail, StringComparison.Ordinal);
        Assert.NotNull(stalled.StalledSince);
        Assert.Equal("prepared", (await RotationsAsync())[0].State);

        time.Advance(TimeSpan.FromMinutes(16));
        await OtherBeatsAsync("sts", "host-2", old);
        await BeatAsync(next: rotation.ToSid);
        await LookAsync();
        Assert.Equal("aborted", (await RotationsAsync())[0].State);
        Assert.Contains("waiting for sts/host-2", (await api.GetAsync($"{All}/{rotation.Id}/evidence")).Text, StringComparison.Ordinal);
        Assert.Contains("key_rotation_stalled", log.ToString(), StringComparison.Ordinal);
        Assert.Null(Files.Next);
        Assert.NotNull((await RowAsync()).StalledSince); // It is told until one succeeds.

        await OtherBeatsAsync("sts", "host-2", old);
        await MoveAsync(TimeSpan.FromHours(23));
        Assert.Single(await RotationsAsync());
        await MoveAsync(TimeSpan.FromHours(25));
        Assert.Equal(2, (await RotationsAsync()).Count);
    }

    [Fact]
    public async Task A_new_key_is_not_made_current_when_a_reader_came_that_does_not_know_it()
    {
        var rotation = await BegunAsync();
        await BeatAsync(next: rotation.ToSid);
        await LookAsync();
        await OtherBeatsAsync("gateway", "host-3", old);
        time.Advance(TimeSpan.FromMinutes(20));
        await OtherBeatsAsync("gateway", "host-3", old);
        await BeatAsync(next: rotation.ToSid);
        await LookAsync();

        Assert.Equal((old, "deployed"), (Files.Current, (await RotationsAsync())[0].State));
        Assert.Contains("waiting for gateway/host-3", (await RowAsync()).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_an_operators_rotation_alone_and_begins_nothing_beside_it()
    {
        await OtherBeatsAsync("coordinator", "host-1", "sid_00000000000000c3", classId: KeyClass.CoordinatorToken);
        var begun = await api.PostAsync(All, Body("sid_00000000000000d4", KeyClass.CoordinatorToken, "ops@example.com"));
        Assert.Equal(201, begun.Status);
        await OtherBeatsAsync("coordinator", "host-1", "sid_00000000000000d4", classId: KeyClass.CoordinatorToken);
        time.Advance(TimeSpan.FromDays(32));
        await OtherBeatsAsync("coordinator", "host-1", "sid_00000000000000d4", classId: KeyClass.CoordinatorToken);
        await BeatAsync();
        await LookAsync();
        await MoveAsync(TimeSpan.FromDays(1));

        Assert.Equal("prepared", Assert.Single(await RotationsAsync()).State);
        Assert.Null(Files.Next);
        Assert.Equal(200, (await api.PostAsync($"{All}/{begun.Get("id")}/abort", """{"reason":"the tests go back"}""")).Status);
        await LookAsync();
        Assert.Equal(2, (await RotationsAsync()).Count);
    }

    [Fact]
    public async Task After_somebody_went_back_it_puts_the_files_back_and_rests_a_week()
    {
        var rotation = await BegunAsync();
        await SetAsync(rotation.Id, RotationState.Rolled);
        Files.Promote(rotation.ToSid);
        await BeatAsync(rotation.ToSid, previous: old);
        Assert.Equal(200, (await api.PostAsync($"{All}/{rotation.Id}/rollback", """{"reason":"the tests go back"}""")).Status);
        await LookAsync();
        await LookAsync();

        Assert.Equal(old, Files.Current);
        Assert.Equal([rotation.ToSid], Files.Previous);
        Assert.True((await RowAsync()).BeginsAt >= time.GetUtcNow() + TimeSpan.FromDays(6.9));
    }

    [Fact]
    public async Task What_was_given_up_while_its_value_became_current_is_put_back()
    {
        var rotation = await BegunAsync();
        Files.Promote(rotation.ToSid);
        Assert.Equal(200, (await api.PostAsync($"{All}/{rotation.Id}/abort", """{"reason":"the tests go back"}""")).Status);
        await LookAsync();

        Assert.Equal((old, null), (Files.Current, Files.Next));
        Assert.Equal([rotation.ToSid], Files.Previous); // Somebody may have signed with it for a moment.
        await MoveAsync(TimeSpan.FromHours(23), previous: rotation.ToSid);
        Assert.Equal([rotation.ToSid], Files.Previous);
        await MoveAsync(TimeSpan.FromHours(1), previous: rotation.ToSid);
        Assert.Equal([rotation.ToSid], Files.Previous); // Messages from before wait in the outbox.
        await api.ExecuteAsync("UPDATE event_outbox SET dispatched_at = 1");
        await MoveAsync(TimeSpan.Zero, previous: rotation.ToSid);
        Assert.Empty(Files.Previous); // What it signed has had its time.
    }

    [Fact]
    public async Task An_old_value_leaves_the_files_also_when_somebody_had_the_checks_run_first()
    {
        var rotation = await BegunAsync();
        Files.Promote(rotation.ToSid);
        await SetAsync(rotation.Id, RotationState.Retired);
        await api.Database.WriteAsync(async work =>
        {
            await KeyRegistryStore.MoveAsync(work, Streams, "", old, "retired", time.GetUtcNow());
            await RotationEventStore.AppendAsync(work, rotation.Id, 99, "checked", "{}", "of a test", time.GetUtcNow());
        });
        await BeatAsync(rotation.ToSid, previous: old);
        await LookAsync();

        Assert.Equal((rotation.ToSid, 0), (Files.Current, Files.Previous.Count));
    }

    [Fact]
    public async Task Files_that_cannot_be_read_hold_up_their_class_and_no_other()
    {
        const string Signatures = KeyClass.GatewayStsHmac;
        var other = new SlotFiles(folder.FullName, RotatableClass.Find(Signatures)!).Current!;
        await api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, Signatures, "", other, "active", null, time.GetUtcNow()));
        var rotation = await BegunAsync();
        Assert.Equal(200, (await api.PostAsync($"{All}/{rotation.Id}/abort", """{"reason":"the tests go back"}""")).Status);
        SecretFolder.WriteOwnerOnly(Files.NextPath, "this is no key"u8);
        await LookAsync();
        Assert.Contains("is not hex", (await RowAsync()).Detail, StringComparison.Ordinal);

        // Streams is due first and cannot begin; the other begins at the next look.
        foreach (var step in (TimeSpan[])[TimeSpan.FromDays(29), TimeSpan.FromDays(1) + TimeSpan.FromMinutes(2), TimeSpan.Zero])
        {
            time.Advance(step);
            await OtherBeatsAsync("gateway", "host-9", other, classId: Signatures);
            await MoveAsync(TimeSpan.Zero);
        }

        Assert.Equal([(Signatures, "prepared"), (Streams, "aborted")], (await RotationsAsync()).Select(row => (row.Class, row.State)).Order());
        Assert.NotNull((await RowAsync()).StalledSince);
    }

    [Fact]
    public async Task A_value_that_an_operator_registered_while_it_lay_staged_is_not_taken_from_him()
    {
        await MoveAsync(TimeSpan.FromDays(29));
        var staged = Files.Stage(time.GetUtcNow());
        Assert.Equal(201, (await api.PostAsync(All, Body(staged, Streams, "ops@example.com"))).Status);
        await MoveAsync(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(5));

        Assert.Equal(staged, Files.Next);
        Assert.Equal("ops@example.com", Assert.Single(await RotationsAsync()).Actor);
    }

    [Fact]
    public async Task Says_in_the_inventory_what_it_will_rotate_and_why_it_cannot()
    {
        await LookAsync();
        Assert.Null((await ScheduleAsync()).GetProperty("refusal").GetString());
        Assert.Equal(30 * 86_400, (await ScheduleAsync()).GetProperty("max_age_seconds").GetInt64());

        await OtherBeatsAsync("gateway", "host-4", old, source: "env");
        await LookAsync();
        Assert.Equal("gateway/host-4 has it from a variable, which needs a restart", (await ScheduleAsync()).GetProperty("refusal").GetString());
        await OtherBeatsAsync("gateway", "host-4", old);
        SecretFolder.WriteOwnerOnly(Path.Combine(folder.FullName, "streamsHmacKey"), "00112233445566778899aabbccddeeff00112233445566778899aabbccddee01"u8);
        await LookAsync();
        Assert.Contains($"but {old} is registered", (await ScheduleAsync()).GetProperty("refusal").GetString(), StringComparison.Ordinal);
        File.Delete(Path.Combine(folder.FullName, "streamsHmacKey"));
        await MoveAsync(TimeSpan.FromDays(31));
        Assert.Contains("has no streamsHmacKey", (await ScheduleAsync()).GetProperty("refusal").GetString(), StringComparison.Ordinal);
        Assert.Empty(await RotationsAsync());
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void A_folder_that_this_process_may_not_write_is_refused_and_named()
    {
        foreach (var file in folder.EnumerateFiles()) file.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        folder.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        var material = new ScheduledMaterial(new ScheduleSettings { Schedule = new RotationSchedule([]), Secrets = folder.FullName }, time, KekRing.Of(new byte[32]));
        var readers = new Convergence(Class, [], time.GetUtcNow());
        var active = new RegisteredKey { Class = Streams, Sid = old, State = "active" };
        _ = Native.SetFileSystemUser(65_534); // Of this thread alone: the administrator may write everywhere.
        try
        {
            Assert.False(material.MayWrite);
            Assert.Equal($"this process may not write {folder.FullName}", material.Refusal(Class, active, readers));
        }
        finally
        {
            _ = Native.SetFileSystemUser(Native.EffectiveUser());
            folder.UnixFileMode |= UnixFileMode.UserWrite;
        }
    }

    [Fact]
    public async Task Signing_keys_of_zones_are_published_before_they_sign_and_leave_when_their_overlap_has_passed()
    {
        var zone = await api.ZoneAsync();
        await LookAsync();
        Assert.Single(await StatesAsync(zone));
        time.Advance(TimeSpan.FromDays(41));
        await BeatAsync();
        await LookAsync();
        Assert.Equal(["next", "active"], await StatesAsync(zone));
        await LookAsync();
        Assert.Equal(["next", "active"], await StatesAsync(zone));

        // The STS activates it, as its own tests show.
        await api.ExecuteAsync("UPDATE secrets SET state = CASE state WHEN 'active' THEN 'previous' ELSE 'active' END WHERE name = 'zone_signing_key' AND state IN ('active', 'next')");
        time.Advance(TimeSpan.FromHours(23));
        await LookAsync();
        Assert.Equal(["active", "previous"], await StatesAsync(zone));
        time.Advance(TimeSpan.FromHours(24));
        await LookAsync();
        Assert.Equal(["active", "retired"], await StatesAsync(zone));
    }

    [Fact]
    public async Task Stages_nothing_while_no_reader_is_heard_of_and_begins_at_the_first_look_after_one_is()
    {
        await MoveAsync(TimeSpan.FromDays(29));
        time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1)); // Nobody beats.
        await LookAsync();
        Assert.Empty(await RotationsAsync());
        Assert.Contains("no live instance holds streams-hmac", (await RowAsync()).Detail, StringComparison.Ordinal);
        Assert.Null(Files.Next);

        await BeatAsync();
        await LookAsync();
        Assert.Single(await RotationsAsync());
    }

    [Fact]
    public async Task Nobody_else_calls_himself_the_schedule()
    {
        var reply = await api.PostAsync(All, Body("sid_00000000000000b2", Streams, ScheduleCalls.Actor));

        Assert.Equal((400, "invalid_rotation_request"), (reply.Status, reply.Error));
    }

    [Fact]
    public async Task The_schedule_works_as_the_services_own_login_of_postgresql()
    {
        await using var postgres = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);
        await using var other = await StartAsync(postgres, TimeProvider.System);

        // The leader's own first look must not come between ours.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await other.Database.ReadAsync(RotationScheduleStore.ListAsync)).Count < 3) await Task.Delay(50, limit.Token);
        await other.ZoneAsync();
        await other.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, Streams, "", old, "active", null, DateTimeOffset.UtcNow.AddDays(-31)));
        await BeatAsync(other, "api", "host-1", Slots(Streams, old), DateTimeOffset.UtcNow);
        await other.Service.Schedule!.LookAsync(default);
        await other.Database.WriteAsync(async work =>
        {
            var row = (await RotationScheduleStore.ListAsync(work.Connection)).Single(row => row.Class == Streams);
            await RotationScheduleStore.PutAsync(work, row with { AnnouncedAt = DateTimeOffset.UtcNow.AddDays(-2) });
        });
        await other.Service.Schedule!.LookAsync(default);

        var row = (await other.Database.ReadAsync(RotationStore.NewestAsync)).Single();
        Assert.Equal(("prepared", Files.Next), (row.State, row.ToSid));
        Assert.True(other.Service.Schedule!.IsLeader);
    }

    [Theory]
    [InlineData("ROTATION_SCHEDULE", "sometimes")]
    [InlineData("ROTATION_SCHEDULE_WINDOW", "at night")]
    [InlineData("ROTATION_SCHEDULE_CLASSES", "admin-token=never")]
    [InlineData("ROTATION_SCHEDULE_CLASSES", "redis:gateway=90d")]
    [InlineData("ROTATION_SCHEDULE_NOTICE_HOURS", "721")]
    [InlineData("ROTATION_SCHEDULE_PATIENCE_SECONDS", "0")]
    [InlineData("ROTATION_SCHEDULE_ROLLBACK_SECONDS", "1799")]
    [InlineData("ROTATION_SCHEDULE_POLL_SECONDS", "0")]
    public void Refuses_to_start_with_a_schedule_nobody_can_keep(string name, string value)
    {
        var environment = SettingsTests.Published();
        environment[name] = value;
        var reader = new SettingsReader(environment, ControlPlaneSettings.Role);
        ControlPlaneSettings.Read(reader);

        Assert.StartsWith(name, Assert.Single(reader.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Is_off_unless_it_was_switched_on()
    {
        Assert.Null(ControlPlaneSettings.Read(new SettingsReader(SettingsTests.Published(), ControlPlaneSettings.Role)).RotationSchedule);
    }

    private Task<ApiHost> StartAsync(TestStore on, TimeProvider clock) => ApiHost.StartAsync(
        new Dictionary<string, string?>
        {
            ["CARACAL_SECRETS_DIR"] = folder.FullName,
            ["ROTATION_SCHEDULE"] = "on",
            ["ROTATION_SCHEDULE_POLL_SECONDS"] = "3600", // Looks are the test's.
            ["ROTATION_SCHEDULE_CLASSES"] = "zone-signing=40d; gateway-sts-hmac=60d; streams-hmac=30d" + (clock == time ? "" : "@always"),
        },
        on, clock, log: TextWriter.Synchronized(log));

    private Task LookAsync() => api.Service.Schedule!.LookAsync(default);

    // The same instances beat, and the schedule looks.
    private async Task MoveAsync(TimeSpan by, string? current = null, string? previous = null)
    {
        time.Advance(by);
        await BeatAsync(current, previous: previous);
        await LookAsync();
    }

    private async Task<RotationRow> BegunAsync()
    {
        await MoveAsync(TimeSpan.FromDays(29));
        await MoveAsync(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
        return Assert.Single(await RotationsAsync());
    }

    private Task BeatAsync(string? current = null, string? next = null, string? previous = null) =>
        BeatAsync(api, "sts", "host-1", Slots(Streams, current ?? old, next, previous), time.GetUtcNow());

    private Task OtherBeatsAsync(string service, string instance, string current, string source = "file", string classId = Streams) =>
        BeatAsync(api, service, instance, Slots(classId, current, source: source), time.GetUtcNow());

    private static Task BeatAsync(ApiHost host, string service, string instance, string slots, DateTimeOffset now) => host.Database.WriteAsync(work => HeartbeatStore.BeatAsync(
        work,
        new Heartbeat { Service = service, Instance = instance, Version = "test", Mode = "dev", Address = null, StartedAt = now, KeySlots = slots },
        now));

    private static string Slots(string name, string current, string? next = null, string? previous = null, string source = "file") => JsonSerializer.Serialize(
        new Dictionary<string, object>(StringComparer.Ordinal) { [name] = new { current, next, previous = previous is null ? (string[])[] : [previous], source } });

    private static string Body(string sid, string classId, string actor) => JsonSerializer.Serialize(
        new { @class = classId, to_sid = sid, location = "file:/s/x.next", reason_kind = "scheduled", reason = "quarterly rotation", actor });

    private Task<IReadOnlyList<RotationRow>> RotationsAsync() => api.Database.ReadAsync(
        connection => RotationStore.ListAsync(connection, null, null, new Storage.Lists.PageQuery(Storage.Lists.Keyset.Top, 10)));

    private async Task<ScheduleRow> RowAsync() => (await api.Database.ReadAsync(RotationScheduleStore.ListAsync)).Single(row => row.Class == Streams);

    private async Task<JsonElement> ScheduleAsync() => (await api.GetAsync("/v1/operations/keys")).Json.GetProperty("items").EnumerateArray()
        .Single(key => key.GetProperty("class").GetString() == Streams).GetProperty("schedule");

    private async Task<IReadOnlyList<string?>> StatesAsync(string zone) =>
        [.. (await api.GetAsync($"/v1/zones/{zone}/keys")).Json.EnumerateArray().Select(key => key.GetProperty("state").GetString())];

    private Task SetAsync(string id, string state) => api.Database.WriteAsync(async work =>
    {
        var row = (await RotationStore.FindAsync(work.Connection, id))!;
        await RotationStore.UpdateAsync(work, row with { State = state, RolledAt = time.GetUtcNow(), VerifiedAt = time.GetUtcNow(), UpdatedAt = time.GetUtcNow() });
        await KeyRegistryStore.MoveAsync(work, row.Class, "", old, "previous", time.GetUtcNow());
        await KeyRegistryStore.MoveAsync(work, row.Class, "", row.ToSid, "active", time.GetUtcNow());
    });

    private static class Native
    {
        [DllImport("libc", EntryPoint = "setfsuid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int SetFileSystemUser(uint user);

        [DllImport("libc", EntryPoint = "geteuid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern uint EffectiveUser();
    }
}
