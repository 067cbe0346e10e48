using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Caracal.Audit.Tests;

public sealed class RouteTests
{
    [Fact]
    public async Task Operator_routes_are_hidden_without_a_token_and_closed_to_a_wrong_one()
    {
        await using (var hidden = await (await AuditHarness.CreateAsync(change: s => s with { AdminToken = null })).ListenAsync())
        {
            Assert.Equal(HttpStatusCode.NotFound, (await hidden.GetAsync("/api/audit/search?zone_id=z1", AuditHarness.AdminToken)).StatusCode);
        }

        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        var refused = await audit.GetAsync("/api/audit/search?zone_id=z1", "wrong");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("Bearer realm=\"caracal-audit\"", refused.Headers.WwwAuthenticate.ToString());
        Assert.Equal("unauthorized\n", await refused.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("", "zone_id is required\n")]
    [InlineData("?zone_id=z1&limit=0", "limit must be a positive integer\n")]
    [InlineData("?zone_id=z1&limit=NaN", "limit must be a positive integer\n")]
    [InlineData("?zone_id=z1&since=yesterday", "since and until must be RFC 3339 times\n")]
    [InlineData("?zone_id=z1&cursor=x", "cursor is not valid\n")]
    public async Task Search_refuses_bad_questions(string query, string answer)
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();

        var refused = await audit.GetAsync("/api/audit/search" + query, AuditHarness.AdminToken);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal(answer, await refused.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Search_answers_rows_in_chain_order_page_by_page()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        await audit.ShipAsync([.. Enumerable.Range(1, 3).Select(i => Vectors.Event($"e{i}", decision: i == 2 ? "deny" : "allow"))]);
        const string window = "?zone_id=z1&since=2026-07-12T00:00:00Z&until=2026-07-13T00:00:00Z";

        var first = await JsonAsync(audit, "/api/audit/search" + window + "&limit=2");
        var second = await JsonAsync(audit, "/api/audit/search" + window + "&limit=2&cursor=" + first.GetProperty("next_cursor").GetString());
        var denied = await JsonAsync(audit, "/api/audit/search" + window + "&decision=deny");

        Assert.Equal(["e1", "e2"], Ids(first));
        Assert.Equal(["e3"], Ids(second));
        Assert.Equal("", second.GetProperty("next_cursor").GetString());
        Assert.Equal(["e2"], Ids(denied));
        var row = first.GetProperty("events")[0];
        Assert.Equal(1, row.GetProperty("ChainSeq").GetInt64());
        Assert.Equal("", row.GetProperty("PrevContentSHA256").GetString());
        Assert.Equal("2026-07-12T10:00:00.000000Z", row.GetProperty("Event").GetProperty("occurred_at").GetString());
    }

    [Fact]
    public async Task Dead_letters_are_listed_shown_and_replayed_when_that_can_help()
    {
        var keys = new Keys.Rings.HmacKeyRing(Vectors.Keys.Keys);
        await using var audit = await (await AuditHarness.CreateAsync(change: s => s with { AuditKeys = keys })).ListenAsync();
        await audit.PublishEventAsync("{", Vectors.Sign("{"));
        await audit.PublishEventAsync(Vectors.A, Vectors.Sign(Vectors.A, Vectors.OtherKeys));

        var listed = (await JsonAsync(audit, "/api/audit/dlq?limit=1")).GetProperty("entries");
        var id = listed[0].GetProperty("id").GetString();
        var rest = (await JsonAsync(audit, $"/api/audit/dlq?start=({id}")).GetProperty("entries");
        var shown = await JsonAsync(audit, $"/api/audit/dlq/{id}");

        Assert.Equal(1, rest.GetArrayLength());
        Assert.False(listed[0].GetProperty("replayable").GetBoolean());
        Assert.Equal("{", shown.GetProperty("source_event").GetString());
        Assert.Equal("hmac_verify_failed", rest[0].GetProperty("reason").GetString());
        Assert.Equal("z1", rest[0].GetProperty("zone_id").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, (await audit.GetAsync("/api/audit/dlq/nonsense", AuditHarness.AdminToken)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await audit.GetAsync("/api/audit/dlq/1-1", AuditHarness.AdminToken)).StatusCode);

        // The missing key arrives as the previous one of a rotation: the refused event can be stored now.
        keys.Replace(new Keys.Rings.HmacKeySet(keys.ClassId, keys.Current, previous: [Vectors.OtherKeys.Current]));
        var replay = new HttpRequestMessage(HttpMethod.Post, "/api/audit/dlq/replay");
        replay.Headers.Authorization = new("Bearer", AuditHarness.AdminToken);
        var summary = await (await audit.Http.SendAsync(replay)).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((2, 1, 1), (summary.GetProperty("scanned").GetInt32(), summary.GetProperty("replayed").GetInt32(), summary.GetProperty("skipped").GetInt32()));
    }

    [Fact]
    [Trait("requirement", "R48")]
    public async Task Health_is_always_well_and_ready_says_what_is_not()
    {
        await using var audit = await (await AuditHarness.CreateAsync(change: s => s with { ReadyDeadLetterLimit = 1 })).ListenAsync();
        await audit.PublishEventAsync(Vectors.A, Vectors.SignatureA);
        Assert.Equal("""{"ok":true,"ready":true}""", await (await audit.GetAsync("/ready")).Content.ReadAsStringAsync());

        await audit.PublishAsync(("id", "1"));
        await audit.PublishAsync(("id", "2"));
        await audit.Service.StopAsync();
        HttpResponseMessage ready;
        do
        {
            ready = await audit.GetAsync("/ready"); // An answer is kept for a second.
        }
        while (ready.IsSuccessStatusCode);

        Assert.Equal("""{"ok":false,"ready":false,"reason":"audit_dlq_threshold"}""", await ready.Content.ReadAsStringAsync());
        var health = await audit.GetAsync("/health");
        Assert.Equal((HttpStatusCode.OK, ""), (health.StatusCode, await health.Content.ReadAsStringAsync()));
    }

    [Fact]
    [Trait("requirement", "R113")]
    [Trait("requirement", "R128")]
    public async Task Metrics_need_the_bearer_and_carry_every_name()
    {
        await using var audit = await (await AuditHarness.CreateAsync()).ListenAsync();
        await audit.ShipAsync(Vectors.A);

        var refused = await audit.GetAsync("/metrics", "wrong");
        var text = await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync();
        var json = await JsonAsync(audit, "/metrics.json", AuditHarness.MetricsToken);

        Assert.Equal((HttpStatusCode.Unauthorized, "unauthorized\n"), (refused.StatusCode, await refused.Content.ReadAsStringAsync()));
        foreach (var name in (string[])["inserts_total", "parse_errors_total", "dlq_total", "retries_total", "hmac_failures_total",
            "tamper_replay_total", "tamper_checked_total", "tamper_mismatch_total", "tamper_chain_breaks_total", "tamper_hmac_failures_total",
            "consumer_lag", "consumer_pel_oldest_seconds", "dlq_size", "dlq_oldest_age_seconds", "tamper_last_sweep_unix", "tamper_last_full_unix"])
        {
            Assert.Contains($"caracal_audit_{name} ", text, StringComparison.Ordinal);
        }

        Assert.Contains("caracal_audit_inserts_total 1\n", text, StringComparison.Ordinal);
        Assert.Equal(1, json.GetProperty("inserts_total").GetInt64());
        Assert.True(json.TryGetProperty("tamper_chain_breaks", out _));
    }

    [Fact]
    public async Task What_is_stored_and_acknowledged_does_not_wait_nor_stay_in_memory()
    {
        await using var audit = await (await AuditHarness.CreateAsync(change: s => s with { ReadyLagLimit = 1 })).ListenAsync();
        await Task.WhenAll(Enumerable.Range(1, 1_000).Select(i =>
        {
            var data = Vectors.Event($"e{i}");
            return audit.PublishEventAsync(data, Vectors.Sign(data));
        }));
        Assert.Equal(0, await audit.Streams.LengthAsync(Protocol.Topics.AuditEvents, default));
        await ReadyAsync(audit, "caracal_ready{service=\"audit\"} 1");
        var idle = await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync();
        foreach (var line in (string[])["consumer_lag 0", "stream_undelivered 0", "consumer_pel_oldest_seconds 0"]) Assert.Contains($"\ncaracal_audit_{line}\n", idle, StringComparison.Ordinal);

        await audit.Service.StopAsync();
        for (var i = 0; i < 2; i++) await audit.Streams.AppendAsync(Protocol.Topics.AuditEvents, [new("data", "{}")], null, default);
        await ReadyAsync(audit, "caracal_not_ready{service=\"audit\",reason=\"audit_lag_threshold\"} 1");
        var behind = await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync();
        Assert.Contains("\ncaracal_audit_consumer_lag 2\n", behind, StringComparison.Ordinal);
        Assert.Contains("\ncaracal_audit_stream_undelivered 2\n", behind, StringComparison.Ordinal);
        Assert.DoesNotContain("\ncaracal_audit_consumer_pel_oldest_seconds 0\n", behind, StringComparison.Ordinal);
    }

    // An answer is kept for a second.
    private static async Task ReadyAsync(AuditHarness audit, string line)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!(await (await audit.GetAsync("/metrics", AuditHarness.MetricsToken)).Content.ReadAsStringAsync(limit.Token)).Contains($"\n{line}\n", StringComparison.Ordinal))
        {
            await Task.Delay(50, limit.Token);
        }
    }

    private static string[] Ids(JsonElement page) =>
        [.. page.GetProperty("events").EnumerateArray().Select(row => row.GetProperty("Event").GetProperty("id").GetString()!)];

    private static async Task<JsonElement> JsonAsync(AuditHarness audit, string path, string token = AuditHarness.AdminToken)
    {
        var answer = await audit.GetAsync(path, token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
