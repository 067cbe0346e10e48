using System.Text.Json;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Sessions;
using Caracal.Coordinator.Tests.Support;
using Caracal.TestKit;


namespace Caracal.Coordinator.Tests.Idempotency;

/// <summary>coordinator.md 10, 17 and 20.5 on the wire.</summary>
public sealed class IdempotencyTests
{
    private const string Agents = "/zones/z1/agents";
    private const string Body = """{"application_id":"app1","labels":["a"]}""";

    [Theory]
    [InlineData("\"subject_session_id\":\"sid1\",", "949a9bafad38544de163869ccc3ae96e2eceb19a9f6a2bb4e3e01269426e6e76")]
    [InlineData("", "546710ef7f2cae3cfe2283af9621890f91abed2810421cbc76b70f1751f6ffa6")]
    public void Digests_a_start_as_the_specification_does(string member, string digest)
    {
        var body = JsonDocument.Parse($$"""{{{member}}"application_id":"app1","labels":["a","b"],"metadata":{"task":"triage","n":1.5} }""").RootElement;
        var caller = new Caller { ZoneId = "z1", ClientId = "app1", Subject = "app1", Scopes = [] };
        Assert.Equal(digest, Convert.ToHexStringLower(StartRequest.Read(body).Request.Digest(caller)!));
    }

    [Theory]
    [InlineData("a\tb")]
    [InlineData("a\u007f")]
    [InlineData("256")]
    public async Task Refuses_keys_that_are_none(string key)
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var refused = await coordinator.PostAsync(Agents, coordinator.App1, Body, ("Idempotency-Key", key == "256" ? new string('k', 256) : key));
        refused.AssertRefused(400, "idempotency_key_invalid");
        Assert.NotEqual("", refused.Json.GetProperty("message").GetString());
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions"));
    }

    [Fact]
    public async Task Resumes_a_session_under_a_later_token_and_refuses_another_request()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var first = await StartAsync(coordinator, "delivery-42", Body);
        Assert.False(first.Headers.ContainsKey("idempotency-replayed"));
        await coordinator.Owner.WriteAsync(work => TestCoordinator.AddRecordAsync(
            work, "rec-later", "application", "app1", coordinator.Time.GetUtcNow().AddHours(1), coordinator.Time.GetUtcNow()));
        var later = coordinator.Token(coordinator.Signer.Claims("z1", "app1", "rec-later"));
        var second = await coordinator.PostAsync(Agents, later, Body, ("Idempotency-Key", "delivery-42"));
        Assert.Equal((201, first.Body, "true"), (second.Status, second.Body, second.Headers["idempotency-replayed"]));
        (await StartAsync(coordinator, "delivery-42", """{"application_id":"app1","labels":["b"]}""")).AssertRefused(409, "idempotency_key_conflict");

        await coordinator.SendAsync("DELETE", $"{Agents}/{first.Json.GetProperty("agent_session_id").GetString()}", coordinator.App1);
        (await StartAsync(coordinator, "delivery-42", Body)).AssertRefused(409, "idempotency_result_inactive");
        Assert.Equal(1, await coordinator.ScalarAsync<long>("SELECT count(*) FROM sessions"));
        Assert.Equal(0, await coordinator.ScalarAsync<long>("SELECT count(*) FROM admin_audit_events WHERE action LIKE '%delivery%' OR path LIKE '%delivery%'"));
    }

    [Fact]
    public async Task Finds_a_receipt_under_the_previous_key_and_forgets_it_after_its_time()
    {
        await using var coordinator = await TestCoordinator.StartAsync(e => e["IDEMPOTENCY_HMAC_KEY_PREVIOUS"] = new string('9', 62) + "a1");
        var first = await StartAsync(coordinator, "k", Body);
        var old = new Caracal.Keys.Rings.HmacKey("idempotency-hmac", Convert.FromHexString(new string('9', 62) + "a1"));
        var digest = new byte[32];
        old.Sign([.. "caracal:coordinator:idempotency:v1\0k"u8], digest);
        await coordinator.ExecuteAsync("UPDATE coordinator_idempotency_receipts SET key_digest = @digest", new { digest });
        Assert.Equal(first.Body, (await StartAsync(coordinator, "k", Body)).Body);

        coordinator.Time.Advance(TimeSpan.FromDays(7.1));
        var fresh = await StartAsync(coordinator, "k", Body);
        Assert.Equal(201, fresh.Status);
        Assert.NotEqual(first.Body, fresh.Body);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Makes_room_by_dropping_receipts_that_protect_nothing(Engine engine)
    {
        await using var coordinator = await TestCoordinator.StartAsync(e =>
        {
            e["IDEMPOTENCY_MAX_RECEIPTS_PER_SCOPE"] = "100";
            e["MAX_AGENTS_PER_ZONE"] = "1000";
            e["MAX_AGENTS_PER_APP"] = "1000";
        }, engine: engine);
        var ids = new List<string>();
        for (var i = 0; i < 100; i++)
        {
            var started = await coordinator.PostAsync(Agents, coordinator.App1, Body, ("Idempotency-Key", $"k{i}"), ("Idempotency-Key-Kind", "generated"));
            ids.Add(started.Json.GetProperty("agent_session_id").GetString()!);
        }

        (await StartAsync(coordinator, "one-more", Body)).AssertRefused(429, "idempotency_receipt_limit_exceeded");
        await coordinator.SendAsync("DELETE", $"{Agents}/{ids[0]}", coordinator.App1);
        Assert.Equal(201, (await StartAsync(coordinator, "one-more", Body)).Status);
    }

    [Fact]
    public async Task Replays_a_delegation_while_it_lives()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var (a, b) = (await coordinator.StartSessionAsync(), await coordinator.StartSessionAsync());
        var body = $$"""{"source_session_id":"{{a}}","target_session_id":"{{b}}","issuer_application_id":"app1","receiver_application_id":"app1","resource_id":"r1","scopes":["write","read"],"ttl_seconds":60}""";
        var first = await coordinator.PostAsync("/zones/z1/delegations", coordinator.App1, body, ("Idempotency-Key", "d"));
        var second = await coordinator.PostAsync("/zones/z1/delegations", coordinator.App1, body.Replace("""["write","read"]""", """["read","write"]"""), ("Idempotency-Key", "d"));
        Assert.Equal((201, first.Body), (second.Status, second.Body));
        coordinator.Time.Advance(TimeSpan.FromSeconds(61));
        (await coordinator.PostAsync("/zones/z1/delegations", coordinator.App1, body, ("Idempotency-Key", "d"))).AssertRefused(409, "idempotency_result_inactive");
    }

    private static Task<Answer> StartAsync(TestCoordinator coordinator, string key, string body) =>
        coordinator.PostAsync(Agents, coordinator.App1, body, ("Idempotency-Key", key));
}
