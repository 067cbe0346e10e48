using System.Security.Cryptography;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Rotations;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Custody;
using Caracal.Storage.Instances;
using Caracal.Storage.Outbox;
using Caracal.Storage.Rotations;
using Caracal.Storage.ZoneKeys;
using Caracal.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.ControlPlane.Tests;

/// <summary>Each check of operations.md 4.7 that the API makes fails when what it looks at is not so.</summary>
public sealed class RotationVerificationTests : IAsyncLifetime
{
    private const string Old = "sid_00000000000000a1";
    private const string New = "sid_00000000000000b2";
    private const string All = "/v1/operations/rotations";

    private InstanceDouble _instance = null!;
    private ApiHost _api = null!;
    private string _zone = "";
    private string _kid = "";

    public async ValueTask InitializeAsync()
    {
        _instance = await InstanceDouble.StartAsync();
        _api = await ApiHost.StartAsync();
        _zone = await _api.ZoneAsync();
        _kid = (await _api.Database.ReadAsync(connection => ZoneKeyStore.ListAsync(connection, _zone)))[0].Id;
        _instance.Kids = zone => zone == _zone ? [_kid] : [];
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _instance.DisposeAsync();
    }

    [Fact]
    public async Task A_revocation_that_no_gateway_knows_or_no_sts_acknowledges_fails_V4()
    {
        var id = await PrepareAsync("zone-kek");
        Assert.True((await CheckAsync(id, "V4")).Ok);
        _instance.Acknowledges = false;
        Assert.Contains("no STS acknowledged", (await CheckAsync(id, "V4", ok: false)).Detail, StringComparison.Ordinal);
        _instance.Acknowledges = true;
        _instance.KnowsRevocations = false;
        Assert.Contains("gateway/host-1 does not know", (await CheckAsync(id, "V4", ok: false)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_whose_calls_the_STS_does_not_take_or_takes_with_any_key_fails_V5()
    {
        var keys = HmacKeyRing.Of(KeyClass.GatewayStsHmac, RandomNumberGenerator.GetBytes(32));
        InstanceAddress[] instances = [new("sts/one-1", "sts", _instance.Address), new("gateway/two-2", "gateway", _instance.Address)];
        using var probes = new InstanceProbes(Settings(), TimeProvider.System);
        async Task FailsAsync(string says, params object[] exchange)
        {
            _instance.Exchange = bad => exchange[bad ? 1 : 0];
            var (ok, detail) = await probes.PingAsync(instances, keys, Stop);
            Assert.False(ok);
            Assert.Equal("gateway/two-2 " + says, detail);
        }

        var (taken, refused) = (new { ok = true, status = 200, matched_sid = keys.SecretId, ms = 1 }, new { ok = true, status = 401, ms = 1 });
        _instance.Takes = keys;
        _instance.Exchange = bad => bad ? refused : taken;
        Assert.Equal((true, "1 STS take the key and refuse a wrong one, 1 Gateways sign with it"), await probes.PingAsync(instances, keys, Stop));
        await FailsAsync("is answered 401 by the STS", new { ok = false, status = 401, ms = 1 }, refused);
        await FailsAsync("does not sign with " + keys.SecretId, taken with { matched_sid = Old }, refused);
        await FailsAsync("does not sign with " + keys.SecretId, refused, refused); // with no key that is told
        await FailsAsync("is not refused with a wrong key", taken, new { ok = false, status = 200, ms = 1 });
        _instance.Broken["/internal/selftest/exchange"] = true;
        await FailsAsync("does not answer its self test", taken, refused);

        // In the process of an STS it signs nothing.
        instances[1] = new("gateway/one-1", "gateway", _instance.Address);
        Assert.Equal((true, "1 STS take the key and refuse a wrong one, 0 Gateways sign with it"), await probes.PingAsync(instances, keys, Stop));
        _instance.Takes = null;
        Assert.Equal((false, "sts/one-1 answers 200 to a wrong signature"), await probes.PingAsync(instances, keys, Stop));
    }

    [Fact]
    [Trait("requirement", "R146")]
    public async Task A_key_that_is_published_and_should_not_be_or_is_missing_fails_V6()
    {
        var id = await PrepareAsync("zone-kek");
        Assert.Contains("1 STS publish exactly the keys of 1 zones and verify what each signed", (await CheckAsync(id, "V6")).Detail, StringComparison.Ordinal);
        foreach (var wrong in (IReadOnlyList<string>[])[[], [_kid, "another"]])
        {
            _instance.Kids = _ => wrong;
            Assert.Contains($"zone {_zone}", (await CheckAsync(id, "V6", ok: false)).Detail, StringComparison.Ordinal);
        }

        _instance.Kids = zone => zone == _zone ? [_kid] : [];
        _instance.ClosedZones = [_zone];
        Assert.Contains($"sts/host-1 cannot open the keys of {_zone}", (await CheckAsync(id, "V6", ok: false)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_zones_key_signed_before_the_rotation_and_signs_now_must_verify_by_what_is_published_or_V6_fails()
    {
        var id = await PrepareAsync("zone-kek");
        var evidence = (await _api.GetAsync($"{All}/{id}/evidence")).Text.Split('\n')[0];
        Assert.Contains($"\"detail\":\"{_zone} {_kid} 1 ", evidence, StringComparison.Ordinal);
        Assert.EndsWith("; 1 signatures from before and 1 of now verify", (await CheckAsync(id, "V6")).Detail, StringComparison.Ordinal);

        var first = _instance.Published;
        _instance.Published = Caracal.Keys.Signatures.SigningKey.Generate();
        Assert.Contains("verifies what was signed before", (await CheckAsync(id, "V6", ok: false)).Detail, StringComparison.Ordinal);
        (_instance.Signs, _instance.Published) = (_instance.Published, first);
        Assert.Contains("verifies what it signs now", (await CheckAsync(id, "V6", ok: false)).Detail, StringComparison.Ordinal);

        // Its own rotation has taken the key out of JWKS since: nobody has to verify with it any more.
        _instance.Published = _instance.Signs!;
        await _api.ExecuteAsync($"UPDATE secrets SET id = 'another' WHERE id = '{_kid}'");
        _instance.Kids = _ => ["another"];
        Assert.EndsWith("; 0 signatures from before and 1 of now verify", (await CheckAsync(id, "V6")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_STS_that_does_not_answer_is_waited_for_once_before_a_rotation_not_for_every_zone()
    {
        const string Samples = "/internal/keys/sample/";
        await _api.ZoneAsync();
        await _api.ZoneAsync();
        _instance.Cut = Samples;
        await PrepareAsync("zone-kek");
        Assert.Single(_instance.Asked, path => path.StartsWith(Samples, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nonsense_in_place_of_a_sample_stops_no_rotation()
    {
        _instance.Sampled = "<html>";
        var id = await PrepareAsync("zone-kek");

        // What is signed now has to verify even so.
        Assert.Contains("verifies what it signs now", (await CheckAsync(id, "V6", ok: false)).Detail, StringComparison.Ordinal);
        _instance.Sampled = null;
        Assert.EndsWith("; 0 signatures from before and 1 of now verify", (await CheckAsync(id, "V6")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_zone_key_or_a_sealed_value_that_does_not_open_fails_V7()
    {
        var id = await PrepareAsync("zone-kek");
        Assert.Contains("values of a sample open", (await CheckAsync(id, "V7")).Detail, StringComparison.Ordinal);
        _instance.ClosedZones = [_zone];
        Assert.Contains($"sts/host-1 cannot open the keys of {_zone}", (await CheckAsync(id, "V7", ok: false)).Detail, StringComparison.Ordinal);
        _instance.ClosedZones = [];
        _instance.Broken["/internal/keys/selftest"] = true;
        await CheckAsync(id, "V7", ok: false);
        _instance.Broken.Clear();
        var foreign = Caracal.Keys.Rings.KekRing.Of(Enumerable.Range(0, 32).Select(i => (byte)(i * 7)).ToArray());
        await _api.Database.WriteAsync(work => CustodyStore.PutAsync(
            work, _zone, "zones/z/workloads/w/secret", Css1Envelope.Seal(foreign, "zones/z/workloads/w/secret", "value"u8), TimeProvider.System.GetUtcNow()));
        Assert.Contains("secret_store zones/z/workloads/w/secret does not open", (await CheckAsync(id, "V7", ok: false)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_that_is_nearly_full_fails_V12()
    {
        var id = await PrepareAsync("zone-kek");
        _instance.Metrics = "caracal_db_pool_in_use_ratio{service=\"sts\"} 0.5\n";
        Assert.True((await CheckAsync(id, "V12")).Ok);
        Assert.False(MaterialChecks.Judge(null, null, ("sts/host-1", 0.9)).Ok);
    }

    [Theory]
    [InlineData(40, 61, false)]
    [InlineData(40, 60, true)]
    [InlineData(40, 20, true)]
    [InlineData(40, 19, false)]
    [InlineData(4, 14, true)] // so few that a pool's own breath is more
    [InlineData(4, 15, false)]
    public void Connections_that_have_doubled_or_gone_fail_V12(long before, long now, bool expected) =>
        Assert.Equal(expected, MaterialChecks.Judge(before, now, ("sts/host-1", 0.2)).Ok);

    [Theory]
    [InlineData(null, null, true, "")]
    [InlineData(30L, 45L, true, "; 45 Redis clients, 30 before")]
    [InlineData(30L, 46L, false, "; 46 Redis clients, 30 before")]
    [InlineData(30L, null, false, "; nobody tells of Redis clients, 30 before")]
    public void Redis_clients_that_have_doubled_or_gone_fail_V12(long? before, long? now, bool expected, string detail) =>
        Assert.Equal((expected, detail), MaterialChecks.JudgeRedis(before, now));

    [Fact]
    public async Task Connections_are_counted_at_prepare_and_kept_with_the_evidence_on_PostgreSQL()
    {
        await using var api = await ApiHost.StartAsync(engine: Engine.Postgres);
        var id = await PrepareAsync("zone-kek", api);
        var line = (await api.GetAsync($"{All}/{id}/evidence")).Text.Split('\n')[0];
        Assert.Matches("\"checks\":\\[\\{\"detail\":\"[1-9][0-9]* connections\",\"id\":\"V12\"", line);
        Assert.Matches("^[1-9][0-9]* connections, [1-9][0-9]* before$", (await CheckAsync(id, "V12", other: api)).Detail);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("caracal_stream_lag_seconds{stream=\"caracal.sessions.revoke\",group=\"sts-revocation\"} 3599", null)]
    [InlineData("caracal_stream_lag_seconds{stream=\"caracal.sessions.revoke\",group=\"sts-revocation\"} 3700", "streams_drained")]
    [InlineData("caracal_audit_consumer_pel_oldest_seconds 3700", "streams_drained")]
    [InlineData("caracal_gateway_audit_replay_oldest_age_seconds 3700", "journals_drained")]
    [InlineData("caracal_audit_dlq_size 1", "dead_letters_resolved")]
    [InlineData(null, "drains_known")]
    public async Task A_value_is_not_retired_while_anything_it_signed_waits(string? metrics, string? gate)
    {
        var id = await PrepareAsync("audit-hmac");
        if (metrics is null) _instance.Broken["/metrics"] = true;
        else _instance.Metrics = metrics + "\n";
        var clock = new DatabaseClock(_api.Database, TimeProvider.System);
        await clock.MeasureAsync(Stop);
        using var probes = new InstanceProbes(Settings(), TimeProvider.System);
        var checks = new DrainChecks(_api.Database, clock, probes);
        var row = (await _api.Database.ReadAsync(connection => RotationStore.FindAsync(connection, id)))! with { State = "verified", RolledAt = clock.Now.AddHours(-1) };

        var gates = await checks.OfAsync(row, Stop);
        Assert.Equal(gate is null ? [] : [gate], gates.Where(judged => !judged.Ok).Select(judged => judged.Id));
        Assert.Equal(["drains_known", "streams_drained"], (await checks.OfAsync(row with { Class = "streams-hmac" }, Stop)).Select(judged => judged.Id));
        Assert.Empty(await checks.OfAsync(row with { Emergency = true }, Stop));
        Assert.Empty(await checks.OfAsync(row with { Class = "zone-kek" }, Stop));
    }

    // A call whose receipt is under the key that goes would run twice when it is repeated.
    [Theory]
    [InlineData("caracal_idempotency_oldest_seconds 3599", true)]
    [InlineData("caracal_idempotency_oldest_seconds 0", true)]
    [InlineData("caracal_idempotency_oldest_seconds 3700", false)]
    [InlineData("", false)]
    public async Task The_idempotency_key_is_not_retired_while_a_receipt_from_before_the_roll_can_be_replayed(string metrics, bool met)
    {
        var id = await PrepareAsync("idempotency-hmac");
        _instance.Metrics = metrics + "\n";
        var clock = new DatabaseClock(_api.Database, TimeProvider.System);
        await clock.MeasureAsync(Stop);
        using var probes = new InstanceProbes(Settings(), TimeProvider.System);
        var row = (await _api.Database.ReadAsync(connection => RotationStore.FindAsync(connection, id)))! with { State = "verified", RolledAt = clock.Now.AddHours(-1) };

        var gates = await new DrainChecks(_api.Database, clock, probes).OfAsync(row, Stop);
        Assert.Equal(["drains_known", "receipts_expired"], gates.Select(gate => gate.Id));
        Assert.Equal(met, gates[1].Ok);
        Assert.Empty(await new DrainChecks(_api.Database, clock, probes).OfAsync(row with { Emergency = true }, Stop));
    }

    [Fact]
    public async Task One_look_at_the_metrics_tells_of_failures_pools_and_connections()
    {
        _instance.Metrics =
            """
            # HELP caracal_db_pool_in_use_ratio caracal_redis_connections_open
            caracal_db_pool_in_use_ratio{pool="readers"} 0.25
            caracal_db_pool_in_use_ratio{pool="writers"} 0.5
            caracal_redis_connections_open 3
            gateway_denials_signature_total 7
            requests_total{path="/x y"} 9
            audit_hmac_failures_total NaN-or-not
            """;
        using var probes = new InstanceProbes(Settings(), TimeProvider.System);
        var figures = await probes.FiguresAsync(Instances(), Stop);
        Assert.Equal(["api/host-1 gateway_denials_signature_total", "gateway/host-1 gateway_denials_signature_total", "sts/host-1 gateway_denials_signature_total"], figures.Failures.Keys.Order(StringComparer.Ordinal));
        Assert.All(figures.Failures.Values, value => Assert.Equal(7, value));
        Assert.Equal(0.5, figures.FullestPool!.Value.Use);
        Assert.Equal(9, figures.RedisClients);
        Assert.Equal(3, _instance.Asked.Count(path => path == "/metrics"));
        _instance.Metrics = "";
        figures = await probes.FiguresAsync(Instances(), Stop);
        Assert.Empty(figures.Failures);
        Assert.Null(figures.FullestPool);
        Assert.Null(figures.RedisClients);
    }

    // The check itself: the whole of a verification waits for an Audit, which is not here.
    private async Task<(bool Ok, string Detail)> CheckAsync(string rotation, string id, bool ok = true, ApiHost? other = null)
    {
        var api = other ?? _api;
        var clock = new DatabaseClock(api.Database, TimeProvider.System);
        await clock.MeasureAsync(Stop);
        using var probes = new InstanceProbes(Settings(), TimeProvider.System);
        var material = new MaterialChecks(api.Database, Settings(), clock, probes);
        var row = (await api.Database.ReadAsync(connection => RotationStore.FindAsync(connection, rotation)))!;
        var canaries = new RotationVerification(new Changes(api.Database, clock, new EventOutbox(), null, NullLogger.Instance), Settings(), clock, probes);
        var asked = other is null ? Instances() : [];
        var (holds, detail) = id switch
        {
            "V4" => await canaries.RevocationCanaryAsync(Instances(), Stop),
            "V6" => await material.PublishedKeysAsync(row, Instances(), Stop),
            "V7" => await material.SealedValuesAsync(Instances(), Stop),
            _ => await material.ConnectionsAsync(row, asked, await probes.FiguresAsync(asked, Stop), Stop),
        };
        Assert.True(holds == ok, detail);
        return (holds, detail);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private InstanceAddress[] Instances() => [.. ((string[])["api", "sts", "gateway"]).Select(service => new InstanceAddress($"{service}/host-1", service, _instance.Address))];

    private static ControlPlaneSettings Settings()
    {
        var reader = new SettingsReader(
            new Dictionary<string, string?>
            {
                ["CARACAL_MODE"] = "dev",
                ["ZONE_KEK"] = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01",
                ["CARACAL_ADMIN_TOKEN"] = ApiHost.AdminToken,
            },
            ControlPlaneSettings.Role);
        var settings = ControlPlaneSettings.Read(reader);
        reader.ThrowIfFaulty();
        return settings;
    }

    private async Task<string> PrepareAsync(string classId, ApiHost? other = null)
    {
        var api = other ?? _api;
        var now = TimeProvider.System.GetUtcNow();
        foreach (var service in (string[])["api", "sts", "gateway", .. classId == "idempotency-hmac" ? ["coordinator"] : (string[])[]])
        {
            var slots = $$"""{"{{classId}}":{"current":"{{Old}}","next":null,"previous":[]} }""";
            await api.Store.Owner.WriteAsync(work => HeartbeatStore.BeatAsync(
                work, new Heartbeat { Service = service, Instance = "host-1", Version = "t", Mode = "dev", Address = other is null ? _instance.Address : null, StartedAt = now, KeySlots = slots }, now));
        }

        await api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, classId, "", Old, "active", null, now));
        var made = await api.PostAsync(
            All, $$"""{"class":"{{classId}}","to_sid":"{{New}}","location":"file:/s/x.next","reason_kind":"scheduled","reason":"the tests verify","actor":"ops@example.com","backup_taken_at":"{{now:yyyy-MM-ddTHH:mm:ssZ}}"}""");
        Assert.True(made.Status == 201, made.Text);
        return made.Get("id");
    }
}
