using System.Text;
using System.Text.Json;
using Caracal.Protocol;
using Caracal.Sts.Tests.Servers;
using Dapper;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>sts.md 2.1, a test for each row: the request is wrong there and further down, and the row answers.</summary>
public sealed class ValidationOrderTests
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";

    // Allows everything, so that what refuses is never policy.
    private const string AllowAll =
        """
        package caracal.authz

        import rego.v1

        result := {"decision": "allow", "evaluation_status": "complete", "determining_policies": [], "diagnostics": []}
        """;

    [Theory]
    [InlineData("GET", "/oauth/2/token?x=1", "application/json", 405)]
    [InlineData("POST", "/oauth/2/token?x=1", "application/json", 400)]
    [InlineData("POST", "/oauth/2/token", "application/json", 415)]
    public async Task Row_01_method_then_query_then_media_type(string method, string path, string type, int status)
    {
        await using var sts = await StsHarness.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
        {
            request.Content = new StringContent(new string('x', 70_000), Encoding.UTF8, type);
        }

        Assert.Equal((status, "invalid_token"), Of(await sts.SendAsync(request)));
    }

    [Theory]
    [InlineData("actor_token=x&padding=", 70_000, 413, "payload_too_large")]
    [InlineData("actor_token=x&a=%zz", 0, 400, "invalid_token")]
    [InlineData("actor_token=x&a=1;b=2", 0, 400, "invalid_token")]
    [InlineData("actor_token=x&zone_id=a&zone_id=a", 0, 400, "invalid_token")]
    public async Task Row_02_size_then_shape_then_duplicates(string body, int padding, int status, string error)
    {
        await using var sts = await StsHarness.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/2/token")
        {
            Content = new StringContent(body + new string('x', padding), Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        var answer = await sts.SendAsync(request);
        Assert.Equal((status, error), Of(answer));
        Assert.DoesNotContain("actor_token", answer.Description, StringComparison.Ordinal);
        if (body.Contains("zone_id", StringComparison.Ordinal))
        {
            Assert.Equal("duplicate form field: zone_id", answer.Description);
        }
    }

    [Fact]
    public Task Row_03_fields_of_other_grants() => AnswersAsync(400, "actor_token is not supported", null, ("actor_token", ""), ("ttl_seconds", "abc"));

    [Theory]
    [InlineData("abc", "ttl_seconds must be an integer")]
    [InlineData("3601", "ttl_seconds out of range")]
    public async Task Row_04_lifetime_before_the_gateway_signature(string ttl, string why)
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.SendAsync(BadlySigned(StsHarness.Bootstrap(("ttl_seconds", ttl))));
        Assert.Equal((400, why), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task Row_05_a_gateway_signature_that_fails()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.SendAsync(BadlySigned(StsHarness.Bootstrap(("resource", " "))));
        Assert.Equal((401, "invalid gateway exchange signature"), (answer.Status, answer.Description));
    }

    [Fact]
    public Task Row_06_an_empty_resource() => AnswersAsync(400, "resource must not be empty", null, ("resource", " "), ("grant_type", "password"));

    [Theory]
    [InlineData("grant_type", "password", "unsupported grant_type")]
    [InlineData("subject_token_type", "urn:x", "unsupported subject_token_type")]
    [InlineData("subject_token_type", AccessToken, "subject_token and subject_token_type must be sent together")]
    [InlineData("subject_token", "a.b.c", "subject_token and subject_token_type must be sent together")]
    public Task Row_07_grant_and_token_types(string name, string value, string why) =>
        AnswersAsync(400, why, sts => sts.State.Broken = true, (name, value), ("client_secret", "wrong"));

    [Fact]
    [Trait("requirement", "R80")]
    public Task Row_08_the_limiter_is_away() =>
        AnswersAsync(503, "dependency unavailable", sts => sts.State.Broken = true, ("client_secret", "wrong"));

    [Fact]
    public async Task Row_09_client_authentication_and_its_counter()
    {
        await using var sts = await StsHarness.StartAsync();
        var wrong = StsHarness.Bootstrap(("client_secret", "wrong"), ("resource", null), ("subject_token", "a.b.c"), ("subject_token_type", IdentityProvider.IdTokenType));
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal((401, "access_denied"), Of(await sts.PostAsync(wrong)));
        }

        Assert.Equal((429, "provider_rate_limited"), Of(await sts.PostAsync(wrong)));
        Assert.Equal((403, "zone_invalid"), Of(await sts.PostAsync(StsHarness.Bootstrap(("zone_id", "zone-2"), ("resource", null)))));
    }

    [Fact]
    public Task Row_10_an_identity_token_is_not_asked_for_a_resource() =>
        AnswersAsync(401, "invalid subject_token: malformed token", null, ("resource", null), ("scope", null), ("subject_token", "a.b.c"), ("subject_token_type", IdentityProvider.IdTokenType));

    [Fact]
    public async Task Row_11_no_resource()
    {
        await using var sts = await UnclockedAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("resource", null)));
        Assert.Equal((400, "at least one resource is required"), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task Row_12_no_usable_database_time()
    {
        await using var sts = await UnclockedAsync();
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("subject_token", "a.b.c"), ("subject_token_type", AccessToken)));
        Assert.Equal((503, "database time unavailable"), (answer.Status, answer.Description));
    }

    [Fact]
    public async Task Row_13_the_subject_token_then_its_record_then_what_it_names()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        (string, string?)[] bad = [("subject_token_type", AccessToken), ("approval_id", "x"), ("agent_session_id", "unknown")];
        var forged = await sts.PostAsync(StsHarness.Bootstrap([("subject_token", session[..^4] + "AAAA"), .. bad]));
        Assert.Equal((401, "invalid subject_token"), (forged.Status, forged.Description));
        var elsewhere = await sts.PostAsync(StsHarness.Bootstrap([("subject_token", session), ("session_id", "other"), .. bad]));
        Assert.Equal((403, "authority record is not active or does not match"), (elsewhere.Status, elsewhere.Description));
        var differs = await sts.PostAsync(StsHarness.Bootstrap([("subject_token", session), .. bad]));
        Assert.Equal((403, "session or delegation is not active or does not match"), (differs.Status, differs.Description));
    }

    [Fact]
    public Task Row_14_a_presented_approval() =>
        AnswersAsync(401, "approval not found or bindings do not match", null, ("approval_id", Guid.NewGuid().ToString()), ("agent_session_id", "unknown"));

    [Fact]
    public Task Row_15_session_and_delegation() =>
        AnswersAsync(403, "session or delegation is not active or does not match", null, ("agent_session_id", "unknown"), ("resource", "resource://unknown"));

    [Fact]
    public async Task Row_16_the_resources_one_by_one()
    {
        await using var sts = await StsHarness.StartAsync();
        List<KeyValuePair<string, string>> form = [.. StsHarness.Bootstrap(), new("resource", "resource://unknown"), new("resource", "resource://keyed")];
        var answer = await sts.PostAsync(form);
        Assert.Equal("""["resource://keyed","resource://nucleus"]""", answer.Text("target_resources"));
        Assert.Equal(["resource_not_found"], await sts.DenialsAsync());
    }

    [Fact]
    public async Task Row_17_the_approval_gate()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        await sts.ActivateAsync(AllowAll.Replace("\"diagnostics\": []", "\"diagnostics\": [{\"step_up_required\": {\"type\": \"human_approval\", \"tiers\": [{\"tier\": \"x\"}]}}]", StringComparison.Ordinal));
        var held = await sts.PostAsync(StsHarness.Bootstrap(("subject_token", session), ("subject_token_type", AccessToken)));
        Assert.Equal((401, "interaction_required"), Of(held));
    }

    [Fact]
    public async Task Row_18_nothing_granted()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("subject_token", session), ("subject_token_type", AccessToken), ("resource", "resource://unknown")));
        Assert.Equal((403, "policy denied"), (answer.Status, answer.Description));
        Assert.Equal(["resource_not_found", "exchange_denied"], await sts.DenialsAsync());
        var denied = (await sts.EventsAsync())[^1].GetProperty("metadata_json");
        Assert.Equal("""["resource://unknown"]""", denied.GetProperty("requested").GetRawText());
    }

    [Fact]
    public async Task Row_19_a_subject_token_needs_the_gateway()
    {
        await using var sts = await StsHarness.StartAsync();
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        await sts.ActivateAsync(AllowAll);
        var answer = await sts.PostAsync(StsHarness.Bootstrap(("subject_token", session), ("subject_token_type", AccessToken)));
        Assert.Equal((403, "resource exchanges must use the Gateway"), (answer.Status, answer.Description));
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Fact]
    public async Task Row_20_a_delegation_that_leaves_no_lifetime()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.SqlAsync("UPDATE delegation_edges SET constraints_json = '{\"expires_at\":\"2020-01-01T00:00:00Z\"}'");
        var answer = await sts.PostAsync(StsHarness.Mint());
        Assert.Equal((403, "no lifetime is left for this authority"), (answer.Status, answer.Description));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
    }

    [Fact]
    public async Task Row_21_a_mandate_id_that_was_given_out_before()
    {
        await using var sts = await StsHarness.StartAsync();
        sts.State.Taken = "audit:jti:";
        Assert.Equal((500, "internal_error"), Of(await sts.PostAsync(StsHarness.Bootstrap())));
        var collision = (await sts.EventsAsync())[^1];
        Assert.Equal(("jti_collision", "anomaly"), (Text(collision, "event_type"), Text(collision, "evaluation_status")));
        Assert.Equal(["jti", "app_id", "request_id"], collision.GetProperty("metadata_json").EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task Row_22_an_upstream_credential_that_cannot_be_had()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync(("resource", "resource://open"), ("scope", "open:use"));
        Assert.Equal((502, "http_request_failed"), Of(await sts.ExchangeAsync(gateway, resource: "resource://open")));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM used_mandates"));
    }

    private static async Task AnswersAsync(int status, string why, Action<StsHarness>? prepare, params (string Name, string? Value)[] changes)
    {
        await using var sts = await StsHarness.StartAsync();
        prepare?.Invoke(sts);
        var answer = await sts.PostAsync(StsHarness.Bootstrap(changes));
        Assert.Equal((status, why), (answer.Status, answer.Description));
    }

    // A process clock that is half a minute and more away from the database's.
    private static Task<StsHarness> UnclockedAsync() => StsHarness.StartAsync(TestKit.Engine.Sqlite, null, new ShiftedTime(TimeSpan.FromSeconds(-31)));

    private static HttpRequestMessage BadlySigned(IEnumerable<KeyValuePair<string, string>> form)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/2/token") { Content = new FormUrlEncodedContent(form) };
        request.Headers.Add("X-Caracal-Gateway-Timestamp", DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
        return request;
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
