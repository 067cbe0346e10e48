using System.Net.Http.Headers;
using System.Text;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>sts.md 2.1, steps 1 to 12, over the wire.</summary>
public sealed class TokenRequestTests
{
    [Fact]
    public async Task Refuses_another_method_a_query_and_another_media_type()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((405, "invalid_token"), Of(await sts.GetAsync("/oauth/2/token")));
        Assert.Equal((400, "invalid_token"), Of(await sts.SendAsync(Form("/oauth/2/token?x=1", "a=b"))));
        var json = new HttpRequestMessage(HttpMethod.Post, "/oauth/2/token") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        var refused = await sts.SendAsync(json);
        Assert.Equal((415, "invalid_token"), Of(refused));
        Assert.NotNull(refused.Text("requestId"));
    }

    [Theory]
    [InlineData("a=%zz")]
    [InlineData("a=%4")]
    [InlineData("a=b;c=d")]
    [InlineData("a=%ff%fe")]
    public async Task Refuses_a_form_it_cannot_read(string body)
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((400, "invalid_token"), Of(await sts.SendAsync(Form("/oauth/2/token", body))));
    }

    [Fact]
    public async Task A_form_of_very_many_fields_is_refused_before_they_are_compared()
    {
        await using var sts = await StsHarness.StartAsync();
        var names = string.Join('&', Enumerable.Range(0, 11_000).Select(i => i.ToString("x5", System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal((400, "invalid_token"), Of(await sts.SendAsync(Form("/oauth/2/token", names[..65_530]))));
        var enough = string.Join('&', Enumerable.Range(0, 500).Select(i => $"f{i}=1"));
        var answer = await sts.PostAsync([.. StsHarness.Bootstrap(), .. enough.Split('&').Select(field => KeyValuePair.Create(field[..^2], "1"))]);
        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task One_request_decides_about_64_resources_at_most()
    {
        await using var sts = await StsHarness.StartAsync();
        List<KeyValuePair<string, string>> Asking(int count) =>
            [.. StsHarness.Bootstrap(("resource", null)), .. Enumerable.Range(0, count).Select(i => KeyValuePair.Create("resource", $"resource://unknown-{i}"))];
        var tooMany = await sts.PostAsync(Asking(65));
        Assert.Equal((400, "too many resources"), (tooMany.Status, tooMany.Description));
        Assert.Equal(403, (await sts.PostAsync(Asking(64))).Status);
    }

    [Fact]
    public async Task Refuses_a_large_body_and_a_field_given_twice()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((413, "payload_too_large"), Of(await sts.SendAsync(Form("/oauth/2/token", "a=" + new string('x', 70_000)))));
        var twice = await sts.SendAsync(Form("/oauth/2/token", "zone_id=a&zone_id=b"));
        Assert.Equal((400, "duplicate form field: zone_id"), (twice.Status, twice.Description));
        var unknown = await sts.SendAsync(Form("/oauth/2/token", "color=a&color=b"));
        Assert.Equal(400, unknown.Status);
    }

    [Theory]
    [InlineData("actor_token", "")]
    [InlineData("client_assertion", "x")]
    [InlineData("client_assertion_type", "")]
    [InlineData("ttl_seconds", "abc")]
    [InlineData("ttl_seconds", "3601")]
    [InlineData("ttl_seconds", "-1")]
    [InlineData("resource", " ")]
    [InlineData("grant_type", "client_credentials")]
    [InlineData("subject_token_type", "urn:x")]
    [InlineData("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")]
    [InlineData("subject_token", "abc")]
    [InlineData("zone_id", null)]
    [InlineData("application_id", null)]
    [InlineData("resource", null)]
    public async Task Refuses_a_field_that_breaks_its_rule(string name, string? value)
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap((name, value)));
        Assert.Equal((400, "invalid_token"), Of(answer));
    }

    [Fact]
    public async Task Refuses_two_different_approval_names()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(400, (await sts.PostAsync(StsHarness.Bootstrap(("approval_id", "a"), ("challenge_id", "b")))).Status);
    }

    [Fact]
    public async Task Echoes_a_visible_request_id_and_replaces_any_other()
    {
        await using var sts = await StsHarness.StartAsync();
        var echoed = await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "no")), requestId: "req-1/ä".Replace("ä", "x", StringComparison.Ordinal));
        Assert.Equal("req-1/x", echoed.Text("requestId"));
        Assert.Equal("req-1/x", echoed.Response.Headers.GetValues("X-Request-Id").Single());
        var replaced = await sts.PostAsync(StsHarness.Bootstrap(), requestId: new string('x', 129));
        Assert.Equal(7, Guid.ParseExact(replaced.Response.Headers.GetValues("X-Request-Id").Single(), "D").Version);
    }

    [Fact]
    public async Task Refuses_a_wrong_secret_and_an_unknown_application_alike()
    {
        await using var sts = await StsHarness.StartAsync();
        var wrong = await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "no")));
        var unknown = await sts.PostAsync(StsHarness.Bootstrap(("application_id", "nobody")));
        var missing = await sts.PostAsync(StsHarness.Bootstrap(("client_secret", null)));
        foreach (var answer in new[] { wrong, unknown, missing })
        {
            Assert.Equal((401, "access_denied"), Of(answer));
            Assert.Equal("invalid client credentials", answer.Description);
        }

        Assert.Contains(await sts.EventsAsync(), e => e.GetProperty("event_type").GetString() == "client_auth_failed");
    }

    [Fact]
    public async Task Tells_the_zone_only_to_who_holds_the_secret()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((403, "zone_invalid"), Of(await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-elsewhere")))));
        Assert.Equal(
            (401, "access_denied"),
            Of(await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-elsewhere"), ("client_secret", "no")))));
    }

    [Fact]
    public async Task Blocks_guesses_but_neither_the_right_secret_nor_anybody_else()
    {
        await using var sts = await StsHarness.StartAsync();
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(401, (await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "no")))).Status);
        }

        var blocked = await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "no")));
        Assert.Equal((429, "provider_rate_limited"), Of(blocked));
        Assert.NotNull(blocked.Response.Headers.RetryAfter);
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        Assert.Equal(401, (await sts.PostAsync(StsHarness.Bootstrap(("application_id", "app-o"), ("client_secret", "no")))).Status);
    }

    [Fact]
    [Trait("requirement", "R132")]
    public async Task Accepts_an_overlapping_previous_secret_until_it_ends()
    {
        await using var sts = await StsHarness.StartAsync();
        await AddPreviousAsync(sts, "c1", "cs_previous_secret_that_overlaps_1", DateTimeOffset.UtcNow.AddMinutes(5));
        await AddPreviousAsync(sts, "c2", "cs_previous_secret_that_overlaps_2", DateTimeOffset.UtcNow.AddMinutes(-5));
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "cs_previous_secret_that_overlaps_1")))).Status);
        Assert.Equal("c1", await sts.ScalarAsync<string>("SELECT id FROM credential_secrets WHERE last_used_at IS NOT NULL"));
        Assert.Equal(401, (await sts.PostAsync(StsHarness.Bootstrap(("client_secret", "cs_previous_secret_that_overlaps_2")))).Status);
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
    }

    [Fact]
    public async Task Refuses_an_archived_zone_and_an_archived_or_expired_application_at_once()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal(200, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        await sts.SqlAsync("UPDATE applications SET expires_at = @past WHERE id = 'app-p'", new { past = DateTimeOffset.UtcNow.AddSeconds(-1) });
        Assert.Equal(401, (await sts.PostAsync(StsHarness.Bootstrap())).Status);
        await sts.SqlAsync("UPDATE applications SET expires_at = NULL WHERE id = 'app-p'");
        await sts.SqlAsync("UPDATE zones SET archived_at = @now WHERE id = 'zone-1'", new { now = DateTimeOffset.UtcNow });
        Assert.Equal((403, "access_denied"), Of(await sts.PostAsync(StsHarness.Bootstrap())));
    }

    [Fact]
    [Trait("requirement", "R89")]
    public async Task Answers_503_when_shared_state_is_gone_and_issues_nothing()
    {
        await using var sts = await StsHarness.StartAsync();
        sts.State.Broken = true;
        var answer = await sts.PostAsync(StsHarness.Bootstrap());
        Assert.Equal((503, "sts_unavailable"), Of(answer));
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Response.Headers.RetryAfter!.Delta);
        Assert.Equal("redis_unreachable", (await sts.GetAsync("/ready")).Text("reason"));
        sts.State.Broken = false;
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Fact]
    public async Task Refuses_an_identity_token_that_no_issuer_vouches_for()
    {
        await using var sts = await StsHarness.StartAsync();
        const string type = "urn:ietf:params:oauth:token-type:id_token";
        var rejected = await sts.PostAsync(StsHarness.Bootstrap(("resource", null), ("scope", null), ("subject_token", "a.b.c"), ("subject_token_type", type)));
        Assert.Equal((401, "invalid_token"), Of(rejected));
        Assert.Equal(400, (await sts.PostAsync(StsHarness.Bootstrap(("subject_token", "a.b.c"), ("subject_token_type", type)))).Status);
        Assert.Equal(["subject_federation_rejected", "subject_federation_invalid"], await sts.DenialsAsync());
    }

    private static Task AddPreviousAsync(StsHarness sts, string id, string secret, DateTimeOffset end) => sts.SqlAsync(
        """
        INSERT INTO credential_secrets (id, zone_id, owner, hash, state, expires_at, created_at)
        VALUES (@id, 'zone-1', 'application:app-p', @hash, 'previous', @end, @now)
        """,
        new { id, hash = Keys.Secrets.SecretHash.Of(secret), end, now = DateTimeOffset.UtcNow });

    private static HttpRequestMessage Form(string path, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        return request;
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
