using System.Net.Http.Headers;
using Caracal.Protocol.Mandates;

namespace Caracal.Sts.Tests.Jwks;

/// <summary>sts.md 6.2: what is published, and who may rotate.</summary>
public sealed class JwksTests
{
    private const string AdminToken = "sts-admin-0123456789-abcdefghijklmnop";

    [Fact]
    public async Task Refuses_a_missing_and_an_unknown_zone()
    {
        await using var sts = await StsHarness.StartAsync();
        Assert.Equal((400, "invalid_token"), Of(await sts.GetAsync("/.well-known/jwks.json")));
        Assert.Equal((404, "resource_not_found"), Of(await sts.GetAsync("/.well-known/jwks.json?zone_id=nowhere")));
    }

    [Fact]
    [Trait("requirement", "R3")]
    public async Task Makes_the_first_key_on_demand_and_names_the_document()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await JwksAsync(sts);
        Assert.Equal(200, answer.Status);
        Assert.Equal("public, must-revalidate, max-age=300", answer.Response.Headers.CacheControl!.ToString());
        Assert.Equal("nosniff", answer.Response.Headers.GetValues("X-Content-Type-Options").Single());
        var key = Assert.Single(answer.Body.GetProperty("keys").EnumerateArray());
        Assert.Equal(("EC", "P-256", "sig", "ES256"), (
            key.GetProperty("kty").GetString(), key.GetProperty("crv").GetString(), key.GetProperty("use").GetString(), key.GetProperty("alg").GetString()));
        Assert.Equal(43, key.GetProperty("x").GetString()!.Length);
        Assert.StartsWith("CSS1", System.Text.Encoding.ASCII.GetString((await sts.ScalarAsync<byte[]>("SELECT envelope FROM secrets"))!), StringComparison.Ordinal);

        var again = new HttpRequestMessage(HttpMethod.Get, "/.well-known/jwks.json?zone_id=zone-1");
        again.Headers.IfNoneMatch.Add(answer.Response.Headers.ETag!);
        Assert.Equal(304, (await sts.SendAsync(again)).Status);
        Assert.Equal(200, (await sts.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/.well-known/jwks.json?zone_id=zone-1"))).Status);
    }

    [Fact]
    public async Task Two_first_requests_make_one_key()
    {
        await using var sts = await StsHarness.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => JwksAsync(sts)));
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM secrets"));
    }

    [Fact]
    [Trait("requirement", "R70")]
    public async Task A_rotation_signs_at_once_and_old_mandates_go_on_verifying()
    {
        await using var sts = await StsHarness.StartAsync(("STS_ADMIN_TOKEN", AdminToken));
        var gateway = await sts.MintAsync();
        var rotated = await RotateAsync(sts, AdminToken);
        Assert.Equal((200, "True"), (rotated.Status, rotated.Text("rotated")));
        var kid = rotated.Text("kid");
        Assert.Equal([kid!, MandateToken.TryParse(gateway)!.KeyId!], await KeyIdsAsync(sts));
        Assert.Equal(kid, MandateToken.TryParse(await sts.MintAsync())!.KeyId);
        Assert.Equal(200, (await sts.ExchangeAsync(gateway)).Status);

        Assert.Equal(200, (await RotateAsync(sts, AdminToken)).Status);
        Assert.Equal(2, (await KeyIdsAsync(sts)).Count);
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM secrets WHERE state = 'active'"));
        Assert.Equal(2, await sts.ScalarAsync<long>("SELECT count(*) FROM event_outbox WHERE stream_name = 'caracal.keys.invalidate'"));
    }

    [Fact]
    public async Task A_compromised_key_stops_verifying_at_once()
    {
        await using var sts = await StsHarness.StartAsync();
        var gateway = await sts.MintAsync();
        await sts.SqlAsync("UPDATE secrets SET state = 'compromised'");
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(gateway)));
        Assert.NotEqual(MandateToken.TryParse(gateway)!.KeyId, MandateToken.TryParse(await sts.MintAsync())!.KeyId);
    }

    [Fact]
    public async Task A_next_key_is_published_before_its_time_and_signs_from_then_on()
    {
        await using var sts = await StsHarness.StartAsync(("STS_ADMIN_TOKEN", AdminToken));
        var first = MandateToken.TryParse(await sts.MintAsync())!.KeyId;
        await RotateAsync(sts, AdminToken);
        var second = (await KeyIdsAsync(sts))[0];
        await sts.SqlAsync("UPDATE secrets SET state = 'next', activates_at = @later WHERE id = @second", new { second, later = DateTimeOffset.UtcNow.AddMinutes(16) });
        await sts.SqlAsync("UPDATE secrets SET state = 'active' WHERE id = @first", new { first });
        Assert.Equal([second, first!], await KeyIdsAsync(sts));
        Assert.Equal(first, MandateToken.TryParse(await sts.MintAsync())!.KeyId);
        await sts.SqlAsync("UPDATE secrets SET activates_at = @past WHERE id = @second", new { second, past = DateTimeOffset.UtcNow.AddSeconds(-1) });
        Assert.Equal(second, MandateToken.TryParse(await sts.MintAsync())!.KeyId);
    }

    [Fact]
    public async Task Rotation_needs_a_token_or_a_signature()
    {
        await using var closed = await StsHarness.StartAsync();
        Assert.Equal(404, (await RotateAsync(closed, "anything")).Status);
        await using var open = await StsHarness.StartAsync(("STS_ADMIN_TOKEN", AdminToken));
        var wrong = await RotateAsync(open, "sts-admin-wrong");
        Assert.Equal((401, "access_denied"), Of(wrong));
        Assert.Equal("Bearer realm=\"caracal-sts\"", wrong.Response.Headers.WwwAuthenticate.ToString());
        Assert.Equal(404, (await RotateAsync(open, AdminToken, "nowhere")).Status);
        var signed = open.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", []);
        Assert.Equal(200, (await open.SendAsync(signed)).Status);
    }

    [Fact]
    public async Task Keys_that_do_not_open_are_500_and_never_replaced_in_silence()
    {
        await using var sts = await StsHarness.StartAsync();
        await sts.MintAsync();
        await sts.SqlAsync("UPDATE secrets SET envelope = zeroblob(200), id = 'other'");
        Assert.Equal(500, (await JwksAsync(sts)).Status);
        Assert.Equal(500, (await sts.PostAsync(StsHarness.Mint())).Status);
        Assert.Equal(1, await sts.ScalarAsync<long>("SELECT count(*) FROM secrets"));
    }

    private static Task<Answer> JwksAsync(StsHarness sts) => sts.GetAsync("/.well-known/jwks.json?zone_id=zone-1");

    private static async Task<List<string>> KeyIdsAsync(StsHarness sts) =>
        [.. (await JwksAsync(sts)).Body.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!)];

    private static Task<Answer> RotateAsync(StsHarness sts, string token, string zone = "zone-1")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/internal/zones/{zone}/signing-key/rotate");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return sts.SendAsync(request);
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
