using System.Text.Json;
using Caracal.Evidence.Rotations;
using Caracal.Keys.Rotation;
using Caracal.Keys.Signatures;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Rotations;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>Every refusal and gate of a rotation (operations.md 4.3), judged on what instances have reported.</summary>
public sealed class RotationsTests : IAsyncLifetime
{
    private const string Streams = "streams-hmac";
    private const string Old = "sid_00000000000000a1";
    private const string New = "sid_00000000000000b2";
    private const string All = "/v1/operations/rotations";

    private readonly MovableTime time = new();
    private ApiHost api = null!;

    public async ValueTask InitializeAsync()
    {
        api = await ApiHost.StartAsync(time: time);
        await BeatAsync("sts", Slots(Streams, Old));
        await RegisterAsync(Streams, Old, "active");
    }

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Theory]
    [Trait("requirement", "R133")]
    [InlineData("\"reason\":\"too short\"", "reason")]
    [InlineData("\"reason\":null", "reason")]
    [InlineData("\"actor\":\"x\"", "actor")]
    [InlineData("\"reason_kind\":\"mood\"", "reason_kind")]
    [InlineData("\"to_sid\":\"00ff\"", "to_sid")]
    [InlineData("\"emergency\":true", "emergency")]
    [InlineData("\"overlap_seconds\":3959", "overlap_seconds")]
    [InlineData("\"rollback_window_seconds\":1799", "rollback_window_seconds")]
    [InlineData("\"value\":\"secret\"", "value")]
    public async Task Refuses_a_request_that_is_not_complete_and_consistent(string member, string named)
    {
        var reply = await api.PostAsync(All, Body(New, more: member));

        Assert.Equal((400, "invalid_rotation_request"), (reply.Status, reply.Error));
        Assert.Contains(named, reply.Text, StringComparison.Ordinal);
        Assert.Empty((await api.GetAsync(All)).Json.GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task A_step_changes_nobodys_authority_so_exchanges_go_on_meanwhile()
    {
        var version = api.Database.AuthorityVersion;
        var rotation = (await api.PostAsync(All, Body(New))).Json.GetProperty("id").GetString();
        Assert.Equal(200, (await api.PostAsync($"{All}/{rotation}/abort", """{"reason":"nobody wants it any more"}""")).Status);

        Assert.Equal(version, api.Database.AuthorityVersion);
    }

    [Fact]
    public async Task Refuses_a_class_nobody_knows()
    {
        Assert.Equal((422, "unknown_key_class"), Seen(await api.PostAsync(All, Body(New, "no-such"))));
        Assert.Equal((422, "unknown_key_class"), Seen(await api.PostAsync(All, Body(New, more: "\"scope\":\"z1\""))));
    }

    [Fact]
    public async Task Refuses_a_console_token_and_lets_it_look()
    {
        var derived = ConsoleTokens.Write(new Caracal.Keys.Secrets.SecretText(ApiHost.AdminToken));

        Assert.Equal((403, "rotation_forbidden_for_derived_token"), Seen(await api.PostAsync(All, Body(New), derived)));
        Assert.Equal((403, "rotation_forbidden_for_derived_token"), Seen(await api.PostAsync($"{All}/rot_1/rollback", "{}", derived)));
    }

    [Theory]
    [InlineData("active")]
    [InlineData("retired")]
    [InlineData("compromised")]
    public async Task Refuses_a_value_that_was_known_before_in_any_class(string state)
    {
        await RegisterAsync("admin-token", New, state);

        Assert.Equal((409, "key_reuse"), Seen(await api.PostAsync(All, Body(New))));
        Assert.Equal((409, "key_reuse"), Seen(await api.PostAsync(All, Body(Old))));
    }

    [Fact]
    [Trait("requirement", "R135")]
    public async Task Gives_each_new_value_a_version_with_its_time() =>
        Assert.Equal($"{Streams}@{time.GetUtcNow().UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{New}", (await api.PostAsync(All, Body(New))).Get("version_label"));

    [Fact]
    [Trait("requirement", "R16")]
    public async Task Refuses_a_second_class_and_a_second_rotation_of_one_but_not_an_emergency()
    {
        await BeatAsync("gateway", Slots("gateway-sts-hmac", "sid_00000000000000c3"));
        var first = (await api.PostAsync(All, Body(New))).Get("id");

        Assert.Equal((409, "rotation_in_progress"), Seen(await api.PostAsync(All, Body("sid_00000000000000d4", "gateway-sts-hmac"))));
        Assert.Equal((409, "rotation_in_progress"), Seen(await api.PostAsync(All, Body("sid_00000000000000d4"))));
        var emergency = await api.PostAsync(
            All, Body("sid_00000000000000d4", "gateway-sts-hmac", "\"emergency\":true,\"reason_kind\":\"compromise\",\"overlap_seconds\":0"));
        Assert.Equal(201, emergency.Status);
        Assert.Equal(200, (await api.PostAsync($"{All}/{emergency.Get("id")}/abort", Reason)).Status);

        // The emergency held nothing, so it gave nothing away.
        Assert.Equal((409, "rotation_in_progress"), Seen(await api.PostAsync(All, Body("sid_00000000000000e5", "gateway-sts-hmac"))));
        Assert.Equal(200, (await api.PostAsync($"{All}/{first}/abort", Reason)).Status);
        Assert.Equal(201, (await api.PostAsync(All, Body("sid_00000000000000e5", "gateway-sts-hmac"))).Status);
    }

    [Fact]
    [Trait("requirement", "R134")]
    public async Task Refuses_to_begin_while_a_reader_is_silent_or_nobody_reads()
    {
        var silent = await api.PostAsync(All, Body(New, "audit-hmac"));
        Assert.Contains("no live instance holds audit-hmac", Gate(silent, "instances_live"), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromSeconds(40));
        await BeatAsync("gateway", Slots(Streams, Old));
        Assert.Contains("sts/host-1", Gate(await api.PostAsync(All, Body(New)), "instances_live"), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromSeconds(100));
        await BeatAsync("gateway", Slots(Streams, Old));
        Assert.Equal(201, (await api.PostAsync(All, Body(New))).Status);
    }

    [Fact]
    [Trait("requirement", "R134")]
    public async Task Refuses_a_clock_that_is_more_than_30_s_away()
    {
        var reply = await api.PostAsync(All, Body(New, more: $"\"client_time\":\"{time.GetUtcNow().AddSeconds(-32):yyyy-MM-ddTHH:mm:ssZ}\""));

        Assert.Contains("s", Gate(reply, "clock_skew"), StringComparison.Ordinal);
        Assert.Equal(201, (await api.PostAsync(All, Body(New, more: $"\"client_time\":\"{time.GetUtcNow().AddSeconds(-20):yyyy-MM-ddTHH:mm:ssZ}\""))).Status);
    }

    [Fact]
    [Trait("requirement", "R140")]
    public async Task Refuses_the_key_encryption_key_without_a_backup_of_today()
    {
        await BeatAsync("api", Slots("zone-kek", "sid_00000000000000c3"));

        Gate(await api.PostAsync(All, Body(New, "zone-kek")), "backup_fresh");
        Gate(await api.PostAsync(All, Body(New, "zone-kek", $"\"backup_taken_at\":\"{time.GetUtcNow().AddHours(-25):yyyy-MM-ddTHH:mm:ssZ}\"")), "backup_fresh");
        Assert.Equal(201, (await api.PostAsync(All, Body(New, "zone-kek", $"\"backup_taken_at\":\"{time.GetUtcNow().AddHours(-2):yyyy-MM-ddTHH:mm:ssZ}\""))).Status);
    }

    [Fact]
    public async Task A_key_encryption_key_in_wrong_hands_leaves_a_task_for_what_it_opened_and_one_that_is_only_old_does_not()
    {
        await BeatAsync("api", Slots("zone-kek", "sid_00000000000000c3"));
        Assert.Equal(201, (await api.PostAsync("/v1/zones", """{"name":"Sealed"}""")).Status);
        var backup = $"\"backup_taken_at\":\"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}\"";
        var scheduled = await api.PostAsync(All, Body(New, "zone-kek", backup));
        Assert.Equal(201, scheduled.Status);
        Assert.Empty(await TasksAsync());
        Assert.Equal(200, (await api.PostAsync($"{All}/{scheduled.Get("id")}/abort", Reason)).Status);

        Assert.Equal(201, (await api.PostAsync(All, Body("sid_00000000000000d4", "zone-kek", backup + ",\"reason_kind\":\"compromise\",\"emergency\":true"))).Status);
        var task = Assert.Single(await TasksAsync());
        Assert.Equal(("secrets", 1, "ops@example.com", "quarterly rotation"), (task.Kind, task.Unchanged, task.OpenedBy, task.Reason));

        Task<IReadOnlyList<ExposureTask>> TasksAsync() => api.Database.ReadAsync(connection => ExposureTaskStore.ListAsync(connection, closedToo: false));
    }

    [Fact]
    [Trait("requirement", "R20")]
    [Trait("requirement", "R120")]
    public async Task Refuses_to_skip_a_step_in_any_direction()
    {
        var id = await PrepareAsync();
        foreach (var to in (string[])["rolled", "verified", "retired"]) Assert.Equal((409, "invalid_transition"), Seen(await AdvanceAsync(id, to)));

        await SetAsync(id, RotationState.Rolled);
        foreach (var to in (string[])["deployed", "retired"]) Assert.Equal((409, "invalid_transition"), Seen(await AdvanceAsync(id, to)));
        Assert.Equal((409, "invalid_transition"), Seen(await api.PostAsync($"{All}/{id}/abort", Reason)));
        Assert.Equal((404, "rotation_not_found"), Seen(await AdvanceAsync("rot_0", "deployed")));
    }

    [Fact]
    public async Task Waits_for_every_live_reader_and_names_the_laggard()
    {
        await BeatAsync("gateway", Slots(Streams, Old), "host-2");
        var id = await PrepareAsync();
        await BeatAsync("sts", Slots(Streams, Old, New));

        Assert.Contains("waiting for gateway/host-2", Gate(await AdvanceAsync(id, "deployed"), "readers_hold_next"), StringComparison.Ordinal);
        await BeatAsync("gateway", Slots(Streams, Old, New), "host-2");
        Assert.Equal("deployed", (await AdvanceAsync(id, "deployed")).Get("state"));
        Assert.Equal("deployed", (await AdvanceAsync(id, "deployed")).Get("state"));

        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Contains("waiting for gateway/host-2", Gate(await AdvanceAsync(id, "rolled"), "readers_on_new_key"), StringComparison.Ordinal);
        await BeatAsync("gateway", Slots(Streams, New), "host-2");
        Gate(await AdvanceAsync(id, "rolled"), "readers_on_new_key"); // It no longer verifies what the others signed.
        await BeatAsync("gateway", Slots(Streams, New, previous: Old), "host-2");
        Assert.Equal("rolled", (await AdvanceAsync(id, "rolled")).Get("state"));
        Assert.Equal((New, 2L), await CurrentAsync());
    }

    [Fact]
    [Trait("requirement", "R17")]
    [Trait("requirement", "R24")]
    [Trait("requirement", "R141")]
    public async Task Refuses_to_retire_before_the_windows_while_a_writer_is_behind_or_work_is_undrained()
    {
        var id = await PrepareAsync();
        await SetAsync(id, RotationState.Verified);
        await BeatAsync("sts", Slots(Streams, Old, New));
        await api.Database.WriteAsync(work => new Storage.Outbox.EventOutbox().EnqueueAsync(
            work, "caracal.sessions.revoke", [KeyValuePair.Create("session_id", (string?)"s1")], null, time.GetUtcNow().AddSeconds(-5)));

        var early = await AdvanceAsync(id, "retired");
        Assert.Contains("waiting for sts/host-1", Gate(early, "nobody_signs_with_old"), StringComparison.Ordinal);
        Gate(early, "overlap");
        Gate(early, "rollback_window");
        Gate(early, "outbox_drained");

        time.Advance(TimeSpan.FromHours(24.1));
        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Gate(await AdvanceAsync(id, "retired"), "outbox_drained");
        await api.Database.WriteAsync(async work =>
        {
            await using var command = work.Connection.CreateCommand();
            command.CommandText = "UPDATE event_outbox SET dispatched_at = 1";
            await command.ExecuteNonQueryAsync();
        });
        Assert.Equal("retired", (await AdvanceAsync(id, "retired")).Get("state"));
        Assert.Equal((409, "invalid_transition"), Seen(await api.PostAsync($"{All}/{id}/rollback", Reason)));
        Assert.Equal((409, "key_reuse"), Seen(await api.PostAsync(All, Body(Old))));
        Assert.Equal(201, (await api.PostAsync(All, Body("sid_00000000000000f6"))).Status);
    }

    [Fact]
    public async Task An_emergency_waits_for_no_time_but_for_every_writer()
    {
        var id = await PrepareAsync("\"emergency\":true,\"reason_kind\":\"compromise\",\"overlap_seconds\":0");
        await SetAsync(id, RotationState.Verified);
        await BeatAsync("sts", Slots(Streams, Old, New));
        Gate(await AdvanceAsync(id, "retired"), "nobody_signs_with_old");

        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Equal("retired", (await AdvanceAsync(id, "retired")).Get("state"));

        var keys = await api.Database.ReadAsync(KeyRegistryStore.ListAsync);
        Assert.Equal("compromised", keys.Single(key => key.Sid == Old).State);
        Assert.Contains("\"emergency\":true", (await api.GetAsync($"{All}/{id}/evidence")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("requirement", "R144")]
    [InlineData(RotationState.Deployed)]
    [InlineData(RotationState.Rolled)]
    [InlineData(RotationState.Verified)]
    public async Task Goes_back_from_every_state_when_every_reader_holds_both(string state)
    {
        var id = await PrepareAsync();
        await SetAsync(id, state);
        await BeatAsync("sts", Slots(Streams, New));
        Gate(await api.PostAsync($"{All}/{id}/rollback", Reason), "readers_hold_both");

        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Equal("rolled_back", (await api.PostAsync($"{All}/{id}/rollback", Reason)).Get("state"));
        Assert.Equal(Old, (await CurrentAsync()).Sid);
        Assert.Equal(201, (await api.PostAsync(All, Body("sid_00000000000000f6"))).Status);
    }

    [Fact]
    public async Task A_key_that_came_back_is_as_old_as_it_was()
    {
        var since = (await api.Database.ReadAsync(KeyRegistryStore.ListAsync)).Single(key => key.Sid == Old).ActivatedAt;
        time.Advance(TimeSpan.FromDays(40));
        await BeatAsync("sts", Slots(Streams, Old));
        var id = await PrepareAsync();
        await SetAsync(id, RotationState.Rolled);
        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Equal(200, (await api.PostAsync($"{All}/{id}/rollback", Reason)).Status);

        var back = (await api.Database.ReadAsync(KeyRegistryStore.ListAsync)).Single(key => key.Sid == Old);
        Assert.Equal(("active", since, null), (back.State, back.ActivatedAt, back.RetiredAt));
        var listed = (await api.GetAsync("/v1/operations/keys")).Json.GetProperty("items").EnumerateArray().Single(key => key.GetProperty("class").GetString() == Streams);
        Assert.Equal((40, JsonValueKind.Null), (listed.GetProperty("age_days").GetInt32(), listed.GetProperty("last_rotation").ValueKind));
    }

    [Theory]
    [InlineData("gateway-sts-hmac", "gateway", "previous_used_seconds", "previous_unused")]
    [InlineData("admin-token", "api", "previous_used_seconds", "previous_unused")]
    [InlineData("coordinator-token", "coordinator", "previous_used_seconds", "previous_unused")]
    [InlineData("metrics-bearer", "console", "previous_used_seconds", "previous_unused")]
    [InlineData(Streams, "sts", "unmatched_seconds", "signatures_match")]
    public async Task Refuses_to_retire_a_value_that_was_used_within_ten_minutes_and_names_where(string name, string service, string member, string gate)
    {
        if (name != Streams)
        {
            await RegisterAsync(name, Old, "active");
            await BeatAsync(service, Slots(name, Old));
        }

        var reply = await api.PostAsync(All, Body(New, name, "\"overlap_seconds\":3960,\"rollback_window_seconds\":3600"));
        Assert.True(reply.Status == 201, reply.Text);
        var id = reply.Get("id");
        await SetAsync(id, RotationState.Verified);
        time.Advance(TimeSpan.FromHours(2));
        await BeatAsync("sts", Slots(name == Streams ? Streams : "audit-hmac", New, previous: Old));
        await BeatAsync(service, Used(60));
        time.Advance(TimeSpan.FromSeconds(20));
        var refused = await AdvanceAsync(id, "retired");
        Assert.Contains($"{service}/host-1", Gate(refused, gate), StringComparison.Ordinal);
        Assert.Equal(member.StartsWith("previous", StringComparison.Ordinal), Gate(refused, gate).EndsWith("80 s ago by 10.1.2.3, 2001:db8::7", StringComparison.Ordinal));

        // It restarts, or another takes its place: what came before still counts.
        await api.Database.WriteAsync(work => HeartbeatStore.EndAsync(work, service, "host-1", time.GetUtcNow()));
        await BeatAsync(service, Slots(name, New, previous: Old), "host-2");
        Assert.Contains($"{service}/host-1", Gate(await AdvanceAsync(id, "retired"), gate), StringComparison.Ordinal);
        await api.Database.WriteAsync(work => HeartbeatStore.EndAsync(work, service, "host-2", time.GetUtcNow()));
        Assert.Equal(520, refused.Json.GetProperty("gates").EnumerateArray().Single(row => row.GetProperty("id").GetString() == gate).GetProperty("retry_after_seconds").GetInt32());

        time.Advance(TimeSpan.FromSeconds(521));
        await BeatAsync(service, Used(601));
        Assert.Equal("retired", (await AdvanceAsync(id, "retired")).Get("state"));

        string Used(int seconds) => Slots(name, New, previous: Old).Replace("\"previous\":", $"\"{member}\":{seconds}{(member.StartsWith("previous", StringComparison.Ordinal) ? ",\"previous_users\":[\"10.1.2.3\",\"2001:db8::7\"]" : "")},\"previous\":", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rollback")]
    [InlineData("abort")]
    public async Task A_new_value_goes_after_the_way_back_only_when_what_it_signed_has_drained(string wayBack)
    {
        var id = await PrepareAsync();
        if (wayBack == "rollback") await SetAsync(id, RotationState.Rolled);
        await BeatAsync("sts", Slots(Streams, Old, previous: New));
        Assert.Equal(200, (await api.PostAsync($"{All}/{id}/{wayBack}", Reason)).Status);
        Gate(await AdvanceAsync(id, "retired"), "overlap");

        time.Advance(TimeSpan.FromHours(24));
        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Contains("sts/host-1", Gate(await AdvanceAsync(id, "retired"), "nobody_signs_with_old"), StringComparison.Ordinal);
        await BeatAsync("sts", Slots(Streams, Old, previous: New));
        for (var again = 0; again < 2; again++) Assert.Equal(wayBack == "abort" ? "aborted" : "rolled_back", (await AdvanceAsync(id, "retired")).Get("state"));

        Assert.Equal("retired", (await api.Database.ReadAsync(KeyRegistryStore.ListAsync)).Single(key => key.Sid == New).State);
        var names = (await api.GetAsync($"{All}/{id}/evidence")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString());
        Assert.Equal(["prepared", wayBack == "abort" ? "aborted" : "rolled_back", "drained"], names);
    }

    [Fact]
    public async Task A_step_whose_records_cannot_be_written_is_not_taken_and_no_log_line_says_it_was()
    {
        await using var log = new StringWriter();
        await using var other = await ApiHost.StartAsync(time: time, log: TextWriter.Synchronized(log));
        await DisposeAsync();
        api = other;
        await RegisterAsync(Streams, Old, "active");
        await BeatAsync("sts", Slots(Streams, Old));
        await api.ExecuteAsync("CREATE TRIGGER refuse BEFORE INSERT ON admin_audit_events BEGIN SELECT RAISE(ABORT, 'full'); END");
        Assert.Equal((500, "audit_unavailable"), Seen(await api.PostAsync(All, Body(New))));
        Assert.DoesNotContain("\"key_rotation\"", log.ToString(), StringComparison.Ordinal);
        await api.ExecuteAsync("DROP TRIGGER refuse");
        await PrepareAsync();
        Assert.Contains("\"key_rotation\"", log.ToString(), StringComparison.Ordinal);
        api = await ApiHost.StartAsync();
    }

    [Fact]
    public async Task Gives_up_nothing_that_somebody_signs_with_and_names_who()
    {
        var id = await PrepareAsync();
        await BeatAsync("sts", Slots(Streams, Old, New));
        Assert.Equal(200, (await AdvanceAsync(id, "deployed")).Status);
        await BeatAsync("sts", Slots(Streams, New, previous: Old));
        Assert.Contains("sts/host-1", Gate(await api.PostAsync($"{All}/{id}/abort", Reason), "nobody_signs_with_new"), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(40)); // Silent, and what it said last still counts.
        Gate(await api.PostAsync($"{All}/{id}/abort", Reason), "nobody_signs_with_new");
        Assert.Equal((Old, "deployed"), ((await CurrentAsync()).Sid, (await api.GetAsync($"{All}/{id}")).Get("state")));

        // The files went back, or nobody is left.
        await BeatAsync("sts", Slots(Streams, Old, New));
        Assert.Equal("aborted", (await api.PostAsync($"{All}/{id}/abort", Reason)).Get("state"));
    }

    [Fact]
    [Trait("requirement", "R19")]
    [Trait("requirement", "R142")]
    public async Task Each_step_leaves_a_chained_line_and_an_admin_audit_row_that_name_who_and_why()
    {
        var id = await PrepareAsync();
        await BeatAsync("sts", Slots(Streams, Old, New));
        await AdvanceAsync(id, "deployed");
        await api.PostAsync($"{All}/{id}/abort", Reason);

        var evidence = await api.GetAsync($"{All}/{id}/evidence");
        Assert.StartsWith("application/x-ndjson", evidence.Header("content-type"), StringComparison.Ordinal);
        var lines = evidence.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Null(RotationLine.FirstBreak(lines));
        Assert.Equal(2, RotationLine.FirstBreak([lines[0].Replace("ops@example.com", "eve@example.com", StringComparison.Ordinal), .. lines[1..]]));
        Assert.Equal(["prepared", "deployed", "aborted"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
        var first = JsonDocument.Parse(lines[0]).RootElement;
        foreach (var (name, value) in ((string, string)[])[("actor", "ops@example.com"), ("from", Old), ("to", New), ("class", Streams), ("reason", "quarterly rotation"), ("location", "file:/s/streamsHmacKey.next")])
        {
            Assert.Equal(value, first.GetProperty(name).GetString());
        }

        var audited = (await api.GetAsync("/v1/admin-audit?limit=100")).Json.GetProperty("items").EnumerateArray()
            .Where(row => row.GetProperty("action").GetString() == "key_rotation").ToList();
        Assert.Equal(3, audited.Count);
        Assert.All(audited, row => Assert.Equal(id, row.GetProperty("entity_id").GetString()));
    }

    [Fact]
    public async Task Every_refusal_leaves_an_admin_audit_row_that_names_who_asked_for_what_and_changes_nothing_else()
    {
        var id = await PrepareAsync();
        Assert.Equal((409, "rotation_in_progress"), Seen(await api.PostAsync(All, Body("sid_00000000000000d4"))));
        Assert.Equal((409, "key_reuse"), Seen(await api.PostAsync(All, Body(Old))));
        Assert.Equal((422, "unknown_key_class"), Seen(await api.PostAsync(All, Body("sid_00000000000000d4", "no-such"))));
        Assert.Equal((400, "invalid_rotation_request"), Seen(await api.PostAsync(All, Body("sid_00000000000000d4", more: "\"reason\":\"short\""))));
        Assert.Equal((409, "gate_not_met"), Seen(await AdvanceAsync(id, "deployed")));
        Assert.Equal((409, "invalid_transition"), Seen(await AdvanceAsync(id, "verified")));
        var derived = ConsoleTokens.Write(new Caracal.Keys.Secrets.SecretText(ApiHost.AdminToken));
        Assert.Equal((403, "rotation_forbidden_for_derived_token"), Seen(await api.PostAsync($"{All}/{id}/rollback", Reason, derived)));

        var rows = (await api.GetAsync("/v1/admin-audit?limit=100")).Json.GetProperty("items").EnumerateArray()
            .Where(row => row.GetProperty("status_code").GetInt32() >= 400).Select(row => (row.GetProperty("status_code").GetInt32(), row.GetProperty("action").GetString())).Order().ToList();
        Assert.Equal(
            [(400, $"POST {All}"), (403, $"POST {All}/{id}/rollback"), (409, $"POST {All}"), (409, $"POST {All}"), (409, $"POST {All}/{id}/advance"), (409, $"POST {All}/{id}/advance"), (422, $"POST {All}")],
            rows);
        Assert.Single((await api.GetAsync($"{All}/{id}/evidence")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, (await api.Database.ReadAsync(KeyRegistryStore.ListAsync)).Count);
    }

    [Fact]
    public async Task Refuses_in_rc_and_stable_a_token_in_place_of_a_person()
    {
        var environment = SettingsTests.Published();
        await using var published = await ApiHost.StartAsync(new Dictionary<string, string?>(environment) { ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true" });
        var name = (await published.GetAsync("/v1/admin-tokens")).Json.GetProperty("items").EnumerateArray()
            .Single(token => token.GetProperty("created_by").GetString() == "env-bootstrap").GetProperty("name").GetString();

        var reply = await published.PostAsync(All, Body(New, more: $"\"actor\":\"{name}\""));
        Assert.Equal((400, "invalid_rotation_request"), (reply.Status, reply.Error));
        Assert.Contains("must name a person", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_on_postgresql_as_the_services_own_login()
    {
        await using var other = await ApiHost.StartAsync(engine: Engine.Postgres);
        await DisposeAsync();
        api = other;
        await api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, Streams, "", Old, "active", null, DateTimeOffset.UtcNow));
        await BeatAsync("api", Slots(Streams, Old));
        var id = await PrepareAsync();
        await BeatAsync("api", Slots(Streams, Old, New));
        Assert.Equal("deployed", (await AdvanceAsync(id, "deployed")).Get("state"));
        await BeatAsync("api", Slots(Streams, New, previous: Old));
        Assert.Equal("rolled", (await AdvanceAsync(id, "rolled")).Get("state"));
        Assert.Equal("rolled_back", (await api.PostAsync($"{All}/{id}/rollback", Reason)).Get("state"));
        Assert.Equal(4, (await api.GetAsync($"{All}/{id}/evidence")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(1, (await api.GetAsync("/v1/operations/instances")).Json.GetProperty("items").GetArrayLength());
        api = await ApiHost.StartAsync();
    }

    private const string Reason = """{"reason":"the tests go back"}""";

    private static (int, string?) Seen(Reply reply) => (reply.Status, reply.Error);

    private static string Gate(Reply reply, string id)
    {
        Assert.Equal((409, "gate_not_met"), (reply.Status, reply.Error));
        var gate = reply.Json.GetProperty("gates").EnumerateArray().Single(gate => gate.GetProperty("id").GetString() == id);
        Assert.False(gate.GetProperty("ok").GetBoolean(), reply.Text);
        return gate.GetProperty("detail").GetString()!;
    }

    private static string Body(string sid, string name = Streams, string more = "")
    {
        var body = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["class"] = $"\"{name}\"",
            ["to_sid"] = $"\"{sid}\"",
            ["location"] = "\"file:/s/streamsHmacKey.next\"",
            ["reason_kind"] = "\"scheduled\"",
            ["reason"] = "\"quarterly rotation\"",
            ["actor"] = "\"ops@example.com\"",
        };
        if (more.Length > 0)
        {
            foreach (var member in JsonDocument.Parse($"{{{more}}}").RootElement.EnumerateObject()) body[member.Name] = member.Value.GetRawText();
        }

        return $"{{{string.Join(',', body.Select(member => $"\"{member.Key}\":{member.Value}"))}}}";
    }

    private static string Slots(string name, string current, string? next = null, string? previous = null) =>
        "{\"" + name + "\":{\"current\":\"" + current + "\",\"next\":" + Quoted(next ?? "") + ",\"previous\":[" + (previous is null ? "" : Quoted(previous)) + "]}}";

    private static string Quoted(string text) => text.Length == 0 ? "null" : $"\"{text}\"";

    private async Task<string> PrepareAsync(string more = "")
    {
        var reply = await api.PostAsync(All, Body(New, more: more));
        Assert.True(reply.Status == 201, reply.Text);
        return reply.Get("id");
    }

    private Task<Reply> AdvanceAsync(string id, string to) => api.PostAsync($"{All}/{id}/advance", $$"""{"to":"{{to}}"}""");

    private async Task<(string? Sid, long InSync)> CurrentAsync()
    {
        var key = (await api.GetAsync("/v1/operations/keys")).Json.GetProperty("items").EnumerateArray().Single(key => key.GetProperty("class").GetString() == Streams);
        return (key.GetProperty("current").GetString(), key.GetProperty("instances").GetProperty("in_sync").GetInt64());
    }

    // Past the checks that need running services.
    private Task SetAsync(string id, string state) => api.Database.WriteAsync(async work =>
    {
        var row = (await RotationStore.FindAsync(work.Connection, id))!;
        await RotationStore.UpdateAsync(work, row with { State = state, RolledAt = time.GetUtcNow(), VerifiedAt = time.GetUtcNow() });
        await KeyRegistryStore.MoveAsync(work, row.Class, "", Old, "previous", time.GetUtcNow());
        await KeyRegistryStore.MoveAsync(work, row.Class, "", New, "active", time.GetUtcNow());
    });

    private Task RegisterAsync(string name, string sid, string state) =>
        api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, name, "", sid, state, null, time.GetUtcNow()));

    private Task BeatAsync(string service, string slots, string instance = "host-1") => api.Database.WriteAsync(work => HeartbeatStore.BeatAsync(
        work,
        new Heartbeat { Service = service, Instance = instance, Version = "test", Mode = "dev", Address = null, StartedAt = time.GetUtcNow(), KeySlots = slots },
        time.GetUtcNow()));
}
