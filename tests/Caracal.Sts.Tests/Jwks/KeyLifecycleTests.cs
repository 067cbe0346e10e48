using System.Text.Json;
using Caracal.Keys.Sealing;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage.Outbox;
using Caracal.Storage.SigningKeys;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Jwks;

/// <summary>operations.md 4.6.2, on both engines and two replicas: a zone key from its publication to its end.</summary>
public sealed class KeyLifecycleTests
{
    [Theory]
    [Trait("requirement", "R22")]
    [Trait("requirement", "R66")]
    [Trait("requirement", "R68")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_key_is_published_signs_and_retires_without_one_refused_mandate(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await using var other = await sts.ReplicaAsync();
        var early = await sts.MintAsync();
        var first = KeyOf(early);
        var second = await PublishNextAsync(sts, TimeSpan.FromSeconds(960));
        await AssertPublishedAsync(sts, other, second, first);
        Assert.Equal(first, KeyOf(await sts.MintAsync()));

        // Due: the next mint signs with it, whether or not a job has written that down.
        await sts.SqlAsync("UPDATE secrets SET activates_at = @now WHERE id = @second", new { second, now = DateTimeOffset.UtcNow.AddSeconds(-1) });
        var late = await sts.MintAsync();
        Assert.Equal(second, KeyOf(late));
        var store = new SigningKeyStore(sts.Database, new EventOutbox());
        var activated = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => store.ActivateDueAsync(StsHarness.Zone, DateTimeOffset.UtcNow, CancellationToken.None)));
        Assert.True(activated.Count(done => done) <= 1, "activated more than once"); // the service's own job may have been first
        Assert.Equal(("active", "previous"), (await StateAsync(sts, second), await StateAsync(sts, first)));
        Assert.Equal(["activate"], await AnnouncedAsync(sts, second));
        await AssertPublishedAsync(sts, other, second, first);
        Assert.Equal(200, (await sts.ExchangeAsync(early)).Status);

        await sts.SqlAsync("UPDATE secrets SET state = 'retired', retired_at = @now WHERE id = @first", new { first, now = DateTimeOffset.UtcNow });
        await AssertPublishedAsync(sts, other, second);
        Assert.Equal(200, (await sts.ExchangeAsync(late)).Status);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_compromised_key_is_nowhere_from_that_moment(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await using var other = await sts.ReplicaAsync();
        var mandate = await sts.MintAsync();
        var bad = KeyOf(mandate);
        await sts.SqlAsync("UPDATE secrets SET state = 'compromised' WHERE id = @bad", new { bad });
        var fresh = KeyOf(await sts.MintAsync());
        Assert.NotEqual(bad, fresh);
        await AssertPublishedAsync(sts, other, fresh);
        Assert.Equal((401, "invalid_token"), Of(await sts.ExchangeAsync(mandate)));
        var found = await other.Service.ZoneKeys.FindAsync(StsHarness.Zone, bad, CancellationToken.None);
        Assert.Null(found);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_rotation_at_one_replica_is_the_others_next_signature(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await using var other = await sts.ReplicaAsync();
        var before = KeyOf(await sts.MintAsync());
        var jwks = await other.Client.GetAsync(new Uri("/.well-known/jwks.json?zone_id=zone-1", UriKind.Relative));
        using var rotate = sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", []);
        using var rotated = await other.Client.SendAsync(rotate);
        var kid = JsonDocument.Parse(await rotated.Content.ReadAsStringAsync()).RootElement.GetProperty("kid").GetString()!;
        Assert.Equal(kid, KeyOf(await sts.MintAsync()));
        await AssertPublishedAsync(sts, other, kid, before);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/.well-known/jwks.json?zone_id=zone-1");
        again.Headers.IfNoneMatch.Add(jwks.Headers.ETag!);
        Assert.Equal(200, (int)(await other.Client.SendAsync(again)).StatusCode);
        using var forced = sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", []);
        await sts.SendAsync(forced);
        Assert.Equal(2, (await PublishedAsync(sts.Client)).Count);
        Assert.DoesNotContain(before, await PublishedAsync(other.Client));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_pending_key_yields_to_a_forced_rotation_and_retire_previous_empties_the_past(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        var first = KeyOf(await sts.MintAsync());
        var pending = await PublishNextAsync(sts, TimeSpan.FromMinutes(16));
        using var rotate = sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", "{\"retire_previous\":true}"u8.ToArray());
        var kid = (await sts.SendAsync(rotate)).Text("kid")!;
        Assert.Equal([kid], await PublishedAsync(sts.Client));
        Assert.Equal(("retired", "retired", "active"), (await StateAsync(sts, pending), await StateAsync(sts, first), await StateAsync(sts, kid)));
        foreach (var body in new[] { "[]", "not json", "{\"retire_previous\":1}" })
        {
            using var bad = sts.Signed(HttpMethod.Post, "/internal/zones/zone-1/signing-key/rotate", System.Text.Encoding.UTF8.GetBytes(body));
            Assert.Equal(400, (await sts.SendAsync(bad)).Status);
        }

        Assert.Equal([kid], await PublishedAsync(sts.Client));
    }

    [Theory]
    [Trait("requirement", "R21")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_self_test_names_the_zones_whose_key_does_not_open(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine, ("METRICS_BEARER", "metrics-0123456789-abcdefghijklmnopq"));
        await sts.MintAsync();
        await sts.GetAsync("/.well-known/jwks.json?zone_id=zone-2");
        Assert.Equal(404, (await SelfTestAsync(sts, "wrong")).Status);
        var good = await SelfTestAsync(sts, "metrics-0123456789-abcdefghijklmnopq");
        Assert.Equal("""{"zones_checked":2,"failed":[],"samples_opened":2,"ok":true}""", good.Body.GetRawText());
        await sts.SqlAsync("UPDATE secrets SET envelope = @bytes WHERE zone_id = 'zone-2'", new { bytes = new byte[200] });
        var bad = await SelfTestAsync(sts, "metrics-0123456789-abcdefghijklmnopq");
        Assert.Equal("""{"zones_checked":2,"failed":["zone-2"],"samples_opened":1,"ok":false}""", bad.Body.GetRawText());
        await sts.MintAsync();
    }

    [Fact]
    public async Task A_sample_verifies_by_JWKS_before_and_after_a_rotation_and_is_no_token()
    {
        await using var sts = await StsHarness.StartAsync(("METRICS_BEARER", "metrics-0123456789-abcdefghijklmnopq"));
        await sts.MintAsync();
        Assert.Equal(404, (await SampleAsync(sts, "zone-1", "wrong")).Status);
        Assert.Equal(404, (await SampleAsync(sts, "no-such-zone", "metrics-0123456789-abcdefghijklmnopq")).Status);
        var before = KeySample.TryParse((await SampleAsync(sts, "zone-1", "metrics-0123456789-abcdefghijklmnopq")).Text("sample")!)!;
        Assert.Null(MandateToken.TryParse(before.ToString()));
        Assert.Null(MandateToken.TryParse(before.Signature));

        await PublishNextAsync(sts, TimeSpan.FromSeconds(-1));
        var after = KeySample.TryParse((await SampleAsync(sts, "zone-1", "metrics-0123456789-abcdefghijklmnopq")).Text("sample")!)!;
        Assert.NotEqual(before.KeyId, after.KeyId);
        var keys = JsonWebKeySet.TryParse(await sts.Client.GetByteArrayAsync(new Uri("/.well-known/jwks.json?zone_id=zone-1", UriKind.Relative)))!;
        foreach (var sample in (KeySample[])[before, after])
        {
            Assert.True(sample.Verify(keys.Find(sample.KeyId)!));
            Assert.False((sample with { At = sample.At + 1 }).Verify(keys.Find(sample.KeyId)!));
            Assert.False((sample with { ZoneId = "zone-2" }).Verify(keys.Find(sample.KeyId)!));
        }

        Assert.False((before with { KeyId = after.KeyId }).Verify(keys.Find(after.KeyId)!));
    }

    private static Task<Answer> SampleAsync(StsHarness sts, string zone, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/internal/keys/sample/" + zone);
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        return sts.SendAsync(request);
    }

    [Fact]
    [Trait("requirement", "R25")]
    public async Task A_signed_ping_is_answered_with_its_key_and_any_other_with_401()
    {
        await using var sts = await StsHarness.StartAsync();
        using var signed = sts.Signed(HttpMethod.Post, "/internal/gateway/ping", [], nonce: "n");
        var answer = await sts.SendAsync(signed);
        Assert.Equal((200, "current", sts.Settings.GatewayKeys!.SecretId), (answer.Status, answer.Text("matched_slot"), answer.Text("matched_sid")));
        using var replayed = sts.Signed(HttpMethod.Post, "/internal/gateway/ping", [], nonce: "n");
        Assert.Equal((401, "access_denied"), Of(await sts.SendAsync(replayed)));
        using var late = sts.Signed(HttpMethod.Post, "/internal/gateway/ping", [], skew: -61);
        Assert.Equal((401, "access_denied"), Of(await sts.SendAsync(late)));
        using var unsigned = new HttpRequestMessage(HttpMethod.Post, "/internal/gateway/ping");
        Assert.Equal((401, "access_denied"), Of(await sts.SendAsync(unsigned)));
    }

    private static Task<Answer> SelfTestAsync(StsHarness sts, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/internal/keys/selftest");
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        return sts.SendAsync(request);
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_message_about_keys_drops_what_is_in_memory(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        await sts.MintAsync();
        var id = await sts.Streams.AppendAsync(
            Topics.KeysInvalidate, [new("zone_id", StsHarness.Zone), new("kid", "x"), new("event", "rotate")], null, CancellationToken.None);
        await sts.Streams.SettledAsync(Topics.KeysInvalidate, id, CancellationToken.None);
        await sts.MintAsync();
    }

    private static async Task<string> PublishNextAsync(StsHarness sts, TimeSpan activatesIn)
    {
        using var key = SigningKey.Generate();
        using var pem = key.ToSec1Pem();
        var id = Ids.New();
        await sts.SqlAsync(
            """
            INSERT INTO secrets (id, zone_id, entity_id, name, type, envelope, version, state, activates_at, created_at, updated_at)
            SELECT @id, 'zone-1', 'zone-1', 'zone_signing_key', 'token', @envelope, max(version) + 1, 'next', @at, @now, @now FROM secrets
            """,
            new
            {
                id,
                envelope = Css1Envelope.Seal(sts.Settings.Kek, SealedLocations.ZoneSigningKey, pem.Span),
                at = DateTimeOffset.UtcNow + activatesIn,
                now = DateTimeOffset.UtcNow,
            });
        return id;
    }

    private static async Task AssertPublishedAsync(StsHarness sts, StsReplica other, params string[] keys)
    {
        Assert.Equal(keys, await PublishedAsync(sts.Client));
        Assert.Equal(keys, await PublishedAsync(other.Client));
    }

    private static async Task<List<string>> PublishedAsync(HttpClient client)
    {
        using var document = JsonDocument.Parse(await client.GetStringAsync(new Uri("/.well-known/jwks.json?zone_id=zone-1", UriKind.Relative)));
        return [.. document.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!)];
    }

    private static async Task<List<string>> AnnouncedAsync(StsHarness sts, string kid)
    {
        var payload = await sts.ScalarAsync<string>("SELECT payload_json FROM event_outbox WHERE stream_name = 'caracal.keys.invalidate'");
        using var document = JsonDocument.Parse(payload!);
        Assert.Equal((kid, StsHarness.Zone), (document.RootElement.GetProperty("kid").GetString(), document.RootElement.GetProperty("zone_id").GetString()));
        return [document.RootElement.GetProperty("event").GetString()!];
    }

    private static Task<string?> StateAsync(StsHarness sts, string id) => sts.ScalarAsync<string>("SELECT state FROM secrets WHERE id = @id", new { id });

    private static string KeyOf(string mandate) => MandateToken.TryParse(mandate)!.KeyId!;

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
