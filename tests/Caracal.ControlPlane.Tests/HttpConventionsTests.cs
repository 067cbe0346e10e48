using System.Text;
using System.Text.Json;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Tests;

public sealed class HttpConventionsTests
{
    [Fact]
    public async Task Refuses_a_call_without_token_on_known_and_unknown_routes()
    {
        await using var api = await ApiHost.StartAsync();
        foreach (var path in (string[])["/v1/zones", "/v1/nope"])
        {
            var reply = await api.GetAsync(path, token: null);
            Assert.Equal(401, reply.Status);
            Assert.Equal("invalid_admin_token", reply.Error);
        }
    }

    [Fact]
    public async Task Answers_an_unknown_route_in_the_shape_clients_know()
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.GetAsync("/v1/nope");
        Assert.Equal(404, reply.Status);
        Assert.Equal("""{"message":"Route GET:/v1/nope not found","error":"Not Found","statusCode":404}""", reply.Text);
        Assert.Equal(404, (await api.SendAsync("PUT", "/v1/zones", "{}")).Status);
        Assert.Equal(404, (await api.GetAsync("/v1/zones/")).Status);
        Assert.Equal(404, (await api.GetAsync("/v1/Zones")).Status);
        Assert.Equal(404, (await api.GetAsync("/elsewhere", token: null)).Status);
    }

    [Fact]
    public async Task Echoes_a_good_request_id_and_replaces_a_bad_one()
    {
        await using var api = await ApiHost.StartAsync();
        var good = await api.SendAsync("GET", "/v1/zones", null, headers: ("x-request-id", "abc-1"));
        Assert.Equal("abc-1", good.Header("x-request-id"));
        var bad = await api.SendAsync("GET", "/v1/zones", null, headers: ("x-request-id", "bad value"));
        Assert.NotEqual("bad value", bad.Header("x-request-id"));
        Assert.Equal(36, bad.Header("x-request-id")!.Length);
    }

    [Fact]
    public async Task Sends_the_security_headers_on_every_management_answer_and_not_on_health()
    {
        await using var api = await ApiHost.StartAsync();
        foreach (var reply in (Reply[])[await api.GetAsync("/v1/zones"), await api.GetAsync("/v1/zones", token: null)])
        {
            Assert.Equal("nosniff", reply.Header("x-content-type-options"));
            Assert.Equal("no-referrer", reply.Header("referrer-policy"));
            Assert.Equal("no-store", reply.Header("cache-control"));
        }

        var health = await api.GetAsync("/health", token: null);
        Assert.Equal("""{"ok":true}""", health.Text);
        Assert.Null(health.Header("x-content-type-options"));
    }

    [Fact]
    public async Task Refuses_bodies_it_cannot_read()
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(413, (await api.PostAsync("/v1/zones", new string(' ', 1_048_577))).Status);
        Assert.Equal(415, (await api.SendAsync("POST", "/v1/zones", "<a/>", contentType: "application/xml")).Status);
        Assert.Equal(400, (await api.SendAsync("DELETE", "/v1/zones/z1", "")).Status);
        Assert.Equal(400, (await api.PostAsync("/v1/zones", "{")).Status);
        Assert.Equal(400, (await api.PostAsync("/v1/zones", """{"name":"a","x":{"__proto__":1}}""")).Status);
        Assert.Equal(400, (await api.PostAsync("/v1/zones", """{"name":"\ud800"}""")).Status);
        Assert.Equal(415, (await api.SendAsync("POST", "/v1/zones", "<a/>", token: null, contentType: "application/xml")).Status);
    }

    [Fact]
    public async Task Refuses_paths_that_are_no_ids()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var spaced = await api.GetAsync($"/v1/zones/{zone}/applications/a%20b");
        Assert.Equal(400, spaced.Status);
        Assert.Equal("invalid_params", spaced.Error);
        Assert.Equal(400, (await api.GetAsync("/v1/zones/%ff")).Status);
        Assert.Equal("zone_not_found", (await api.GetAsync("/v1/zones/not-there")).Error);
    }

    [Fact]
    public async Task Answers_head_like_get_without_a_body()
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.SendAsync("HEAD", "/v1/zones", null);
        Assert.Equal(200, reply.Status);
        Assert.Equal("", reply.Text);
    }

    [Fact]
    public async Task Pages_without_loss_when_every_row_shares_its_time()
    {
        await using var api = await ApiHost.StartAsync();
        for (var i = 0; i < 7; i++) await api.ZoneAsync($"zone {i}");
        await api.ExecuteAsync("UPDATE zones SET created_at = 1767225600123000 + (rowid % 3)");
        var seen = new List<string>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = (await api.GetAsync($"/v1/zones?limit=2{(cursor is null ? "" : "&cursor=" + cursor)}")).Json;
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
            pages++;
        }
        while (cursor is not null);
        Assert.Equal(7, seen.Count);
        Assert.Equal(7, seen.Distinct().Count());
        Assert.Equal(4, pages);
    }

    [Theory]
    [InlineData("limit=0", "invalid_query")]
    [InlineData("limit=501", "invalid_query")]
    [InlineData("limit=abc", "invalid_query")]
    [InlineData("limit=1&limit=2", "invalid_query")]
    [InlineData("cursor=%21", "invalid_cursor")]
    [InlineData("cursor=e30", "invalid_cursor")]
    public async Task Refuses_page_requests_that_make_no_sense(string query, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.GetAsync("/v1/zones?" + query);
        Assert.Equal(400, reply.Status);
        Assert.Equal(code, reply.Error);
    }

    [Fact]
    public void Writes_and_reads_the_cursor_of_the_specification()
    {
        const string vector = "eyJ0cyI6IjIwMjYtMDEtMDFUMDA6MDA6MDAuMDAwWiIsImlkIjoiejEifQ";
        Assert.Equal(vector, Paging.Encode("2026-01-01T00:00:00.000Z", "z1"));
        var key = Paging.Decode(vector)!.Value;
        Assert.Equal("z1", key.Id);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), key.Time);
    }

    [Fact]
    [Trait("requirement", "R102")]
    public async Task Limits_calls_per_address_and_per_token_but_not_health()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["API_V1_RATE_LIMIT_PER_MIN"] = "3" });
        Reply? last = null;
        for (var i = 0; i < 8; i++) last = await api.GetAsync("/v1/zones");
        Assert.Equal(429, last!.Status);
        Assert.Equal("""{"error":"rate_limited"}""", last.Text);
        Assert.NotNull(last.Header("Retry-After"));
        Assert.Equal(200, (await api.GetAsync("/health", token: null)).Status);
    }

    [Fact]
    [Trait("requirement", "R102")]
    public async Task Limits_failed_authentications()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["ADMIN_AUTH_FAIL_LIMIT_PER_MIN"] = "2" });
        var statuses = new List<int>();
        for (var i = 0; i < 5; i++) statuses.Add((await api.GetAsync("/v1/zones", "wrong")).Status);
        Assert.Equal(401, statuses[0]);
        Assert.Equal(429, statuses[^1]);
        Assert.Equal(200, (await api.GetAsync("/v1/zones")).Status);
    }

    [Fact]
    public void Protects_csv_cells_from_being_formulas()
    {
        var csv = CsvDocument.Of("audit", "z1", ["a", "b"], [["=1+1", "x,\"y\""], [null, "plain"]], null);
        Assert.Equal("a,b\r\n'=1+1,\"x,\"\"y\"\"\"\r\n,plain\r\n", csv.Text);
        Assert.Equal("audit-z1.csv", csv.FileName);
    }

    [Fact]
    [Trait("requirement", "R48")]
    [Trait("requirement", "R137")]
    public async Task Reports_readiness_and_metrics()
    {
        var time = new MovableTime();
        await using var api = await ApiHost.StartAsync(time: time);
        Assert.Equal("""{"ok":true}""", (await api.GetAsync("/ready", token: null)).Text);
        Assert.Contains("\ncaracal_ready{service=\"api\"} 1\n", (await api.GetAsync("/metrics", token: null)).Text, StringComparison.Ordinal);
        await api.ExecuteAsync(
            "INSERT INTO event_outbox (id, stream_name, payload_json, attempts, available_at, created_at) VALUES ('dead', 's', '{}', 100, 9223372036854775807, 0)");
        time.Advance(TimeSpan.FromSeconds(2)); // an answer serves for a second
        var dead = await api.GetAsync("/ready", token: null);
        Assert.Equal(503, dead.Status);
        Assert.Equal("""{"ok":false,"error":"outbox_dead_messages","deadCount":1,"limit":0}""", dead.Text);
        foreach (var path in (string[])["/metrics", "/api/metrics"])
        {
            var metrics = await api.GetAsync(path, token: null);
            Assert.Equal(200, metrics.Status);
            Assert.Contains("caracal_api_outbox_dead_total 1", metrics.Text, StringComparison.Ordinal);
            Assert.Contains("\ncaracal_ready{service=\"api\"} 0\n", metrics.Text, StringComparison.Ordinal);
            Assert.Contains("\ncaracal_not_ready{service=\"api\",reason=\"outbox_dead_messages\"} 1\n", metrics.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Asks_for_the_metrics_bearer_when_one_is_set()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["METRICS_BEARER"] = "abcdefghijklmnopqrstuvwxyz0123456789" });
        var refused = await api.GetAsync("/metrics", token: null);
        Assert.Equal(401, refused.Status);
        Assert.Equal("""{"error":"unauthorized"}""", refused.Text);
        Assert.Equal(200, (await api.GetAsync("/metrics", "abcdefghijklmnopqrstuvwxyz0123456789")).Status);
    }

    [Fact]
    public async Task Says_nothing_about_a_fault_but_that_there_was_one()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await api.ExecuteAsync("ALTER TABLE workloads RENAME TO elsewhere");
        var reply = await api.SendAsync("GET", $"/v1/zones/{zone}/workloads", null, headers: ("x-request-id", "req-1"));
        Assert.Equal(500, reply.Status);
        Assert.Equal("""{"error":"internal_error","requestId":"req-1"}""", reply.Text);
        Assert.Equal("nosniff", reply.Header("x-content-type-options"));
        var audit = (await api.GetAsync($"/v1/zones/{zone}/admin-audit?limit=1")).Json.GetProperty("items")[0];
        Assert.Equal(500, audit.GetProperty("status_code").GetInt32());
    }

    [Fact]
    public async Task Refuses_a_body_that_grows_beyond_the_limit_without_saying_so_before()
    {
        await using var api = await ApiHost.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, api.Address + "/v1/zones");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + ApiHost.AdminToken);
        request.Headers.TransferEncodingChunked = true;
        request.Content = new StringContent($"\"{new string('x', 1_048_576)}\"", Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request);
        Assert.Equal(413, (int)response.StatusCode);
        Assert.Equal("payload_too_large", JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetString());
    }

    // Both were found by generated requests.
    [Theory]
    [InlineData("/v1/admin-audit?format=csv", 200)]
    [InlineData("/v1/admin-audit?entity_id=%00", 400)]
    public async Task Answers_what_once_failed(string path, int status)
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(status, (await api.GetAsync(path)).Status);
    }
}
