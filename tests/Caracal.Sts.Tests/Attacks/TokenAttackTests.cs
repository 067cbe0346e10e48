using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Caracal.Protocol.Exchange;
using Xunit.Sdk;

namespace Caracal.Sts.Tests.Attacks;

/// <summary>Every way a token can lie, at the exchange: each is refused with 401 <c>invalid_token</c>, writes nothing, and costs no more than a plain refusal.</summary>
public sealed class TokenAttackTests
{
    private const int Rounds = 21;

    [Fact]
    public async Task No_forged_token_is_exchanged_and_none_is_slow_to_refuse()
    {
        await using var sts = await StsHarness.StartAsync();
        var real = await sts.MintAsync();
        using var forge = await ZoneForge.OpenAsync(sts);
        await sts.GetAsync("/.well-known/jwks.json?zone_id=zone-2");
        using var other = await ZoneForge.OpenAsync(sts, "zone-2");
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var session = (await sts.PostAsync(StsHarness.Bootstrap())).Token;
        var attacks = Forgeries(forge, other, stranger, real, session);
        var records = await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records");
        foreach (var (name, token) in attacks)
        {
            var answer = await sts.ExchangeAsync(token);
            Assert.True((401, "invalid_token") == (answer.Status, answer.Error), $"{name}: {answer.Status} {answer.Error} {answer.Description}");
        }

        Assert.Equal(records, await sts.ScalarAsync<long>("SELECT count(*) FROM authority_records"));
        var ordinary = await MedianAsync(sts, real[..real.LastIndexOf('.')] + "." + ZoneForge.Encode(new byte[64]));
        foreach (var (name, token) in attacks)
        {
            var median = await MedianAsync(sts, token);
            for (var again = 0; again < 2 && median > 10 * ordinary; again++)
            {
                median = await MedianAsync(sts, token); // Something else may have had the core; what is slow by itself is slow each time.
            }

            Assert.True(median <= 10 * ordinary, $"{name}: {median.TotalMicroseconds:0} us against {ordinary.TotalMicroseconds:0} us");
        }

        // The control: the same claims, honestly signed by the forge, are exchanged.
        Assert.Equal(200, (await sts.ExchangeAsync(forge.Sign(ZoneForge.Claims(real)))).Status);
    }

    [Fact]
    public async Task Tokens_too_large_for_the_form_are_refused_at_the_door()
    {
        await using var sts = await StsHarness.StartAsync();
        var answer = await sts.ExchangeAsync("x." + new string('A', 70_000) + ".y");
        Assert.Equal((413, "payload_too_large"), (answer.Status, answer.Error));
    }

    private static List<(string Name, string Token)> Forgeries(ZoneForge forge, ZoneForge other, ECDsa stranger, string real, string session)
    {
        var claims = ZoneForge.Claims(real);
        var payload = claims.ToJsonString();
        var parts = real.Split('.');
        var list = new List<(string, string)>();
        AddAlgorithms(list, forge, stranger, payload);
        AddKeys(list, forge, other, stranger, payload);
        AddSignatures(list, forge, parts, real, payload);
        AddClaims(list, forge, claims);
        AddShapes(list, forge, parts, payload);
        list.Add(("a session mandate", session));
        return list;
    }

    private static void AddAlgorithms(List<(string, string)> list, ZoneForge forge, ECDsa stranger, string payload)
    {
        foreach (var none in new[] { "none", "None", "NONE", "nOnE", "" })
        {
            list.Add(($"alg {none}, unsigned", ZoneForge.With(forge.Header(none), payload, _ => [])));
            list.Add(($"alg {none}, signed", ZoneForge.With(forge.Header(none), payload, data => ZoneForge.Sign(stranger, data))));
        }

        list.Add(("alg HS256 with the public key", ZoneForge.With(forge.Header("HS256"), payload, data => HMACSHA256.HashData(forge.PublicKey, data))));
        list.Add(("alg HS256 with the key id", ZoneForge.With(forge.Header("HS256"), payload, data => HMACSHA256.HashData(Encoding.UTF8.GetBytes(forge.KeyId), data))));
        list.Add(("alg HS512 with nothing", ZoneForge.With(forge.Header("HS512"), payload, data => HMACSHA512.HashData(Array.Empty<byte>(), data))));
        foreach (var name in new[] { "es256", "ES384", "ES512", "RS256", "PS256", "ES256K", "EdDSA", "dir" })
        {
            list.Add(($"alg {name}", forge.Sign(payload, forge.Header(name))));
        }

        list.Add(("no alg", forge.Sign(payload, $$"""{"kid":"{{forge.KeyId}}","typ":"JWT"}""")));
        list.Add(("alg twice", forge.Sign(payload, $$"""{"alg":"none","alg":"ES256","kid":"{{forge.KeyId}}"}""")));
        list.Add(("alg a number", forge.Sign(payload, $$"""{"alg":256,"kid":"{{forge.KeyId}}"}""")));
    }

    private static void AddKeys(List<(string, string)> list, ZoneForge forge, ZoneForge other, ECDsa stranger, string payload)
    {
        var q = stranger.ExportParameters(false).Q;
        var jwk = $$""","jwk":{"kty":"EC","crv":"P-256","kid":"evil","x":"{{ZoneForge.Encode(q.X!)}}","y":"{{ZoneForge.Encode(q.Y!)}}"}""";
        foreach (var keyId in new[] { forge.KeyId, "evil" })
        {
            foreach (var more in new[]
            {
                jwk, ",\"jku\":\"https://evil.example.com/jwks\"", ",\"x5u\":\"https://evil.example.com/cert\"", ",\"x5c\":[\"MIIB\"]",
                ",\"crit\":[\"exp\"]",
            })
            {
                list.Add(($"kid {keyId} with {more[..7]}", ZoneForge.With(forge.Header("ES256", keyId, more), payload, data => ZoneForge.Sign(stranger, data))));
            }
        }

        foreach (var keyId in new[] { "", "../../etc/passwd", "' OR '1'='1", "evil\\u0000", forge.KeyId.ToUpperInvariant(), forge.KeyId + " " })
        {
            list.Add(($"kid {keyId}", forge.Sign(payload, forge.Header("ES256", keyId))));
        }

        list.Add(("no kid", forge.Sign(payload, """{"alg":"ES256","typ":"JWT"}""")));
        list.Add(("kid twice", forge.Sign(payload, $$"""{"alg":"ES256","kid":"evil","kid":"{{forge.KeyId}}"}""")));
        list.Add(("another zone's key under its own id", other.Sign(payload)));
        list.Add(("another zone's key under this zone's id", other.Sign(payload, forge.Header())));
    }

    private static void AddSignatures(List<(string, string)> list, ZoneForge forge, string[] parts, string real, string payload)
    {
        var signature = System.Buffers.Text.Base64Url.DecodeFromChars(parts[2]);
        string With(byte[] bytes) => $"{parts[0]}.{parts[1]}.{ZoneForge.Encode(bytes)}";
        list.Add(("no signature", $"{parts[0]}.{parts[1]}."));
        list.Add(("a truncated signature", With(signature[..63])));
        list.Add(("half a signature", With(signature[..32])));
        list.Add(("a signature with a byte more", With([.. signature, 0])));
        list.Add(("a signature with a byte before", With([0, .. signature])));
        list.Add(("a doubled signature", With([.. signature, .. signature])));
        list.Add(("a zero signature", With(new byte[64])));
        list.Add(("r alone", With([.. signature[..32], .. new byte[32]])));
        list.Add(("s and r exchanged", With([.. signature[32..], .. signature[..32]])));
        list.Add(("one bit", With([.. signature[..63], (byte)(signature[63] ^ 1)])));
        list.Add(("a DER signature", ZoneForge.With(forge.Header(), payload, forge.SignDer)));
        list.Add(("padding after the signature", real + "=="));
        list.Add(("white space in the signature", real.Insert(real.Length - 4, "\n")));
        list.Add(("bits beyond the last byte", real[..^1] + Next(real[^1])));
        list.Add(("standard alphabet", With(signature).Replace('-', '+').Replace('_', '/') + "+"));
        list.Add(("padding in the payload", $"{parts[0]}.{parts[1]}=.{parts[2]}"));
        list.Add(("another payload", $"{parts[0]}.{ZoneForge.Encode(Encoding.UTF8.GetBytes(payload.Replace("nucleus:pay", "nucleus:all", StringComparison.Ordinal)))}.{parts[2]}"));
    }

    private static void AddClaims(List<(string, string)> list, ZoneForge forge, JsonObject claims)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        foreach (var (name, change) in new (string, JsonNode?)[]
        {
            ("use", "session"), ("use", "resource"), ("use", "Gateway"), ("use", null), ("zone_id", "zone-2"), ("zone_id", null),
            ("aud", "resource://nucleus"), ("aud", new JsonArray()), ("aud", new JsonArray(StsHarness.Issuer + "/")), ("aud", null),
            ("iss", StsHarness.Issuer + "/"), ("iss", "https://evil.example.com"), ("iss", null), ("exp", now - 61), ("exp", 0), ("exp", -1), ("exp", null),
            ("exp", "9999999999"), ("exp", 1e300), ("iat", now + 62), ("iat", "now"), ("nbf", now + 62), ("nbf", "x"), ("jti", null), ("jti", 7),
            ("sub", 7), ("sid", new JsonArray("x")), ("target", "resource://nucleus"), ("hop_count", -1), ("scope", new JsonArray("nucleus:pay")),
        })
        {
            var changed = claims.DeepClone().AsObject();
            changed[name] = change?.DeepClone();
            list.Add(($"{name} = {change?.ToJsonString() ?? "null"}", forge.Sign(changed)));
        }

        var text = claims.ToJsonString();
        foreach (var (name, value) in new[]
        {
            ("use", "\"gateway\""), ("zone_id", "\"zone-1\""), ("scope", "\"nucleus:all\""), ("sub", "\"admin\""),
            ("exp", (now + 900).ToString(CultureInfo.InvariantCulture)), ("target", "[\"resource://keyed\"]"), ("aud", "\"x\""), ("sid", "\"x\""),
        })
        {
            list.Add(($"{name} twice", forge.Sign($"{text[..^1]},\"{name}\":{value}}}")));
        }
    }

    private static void AddShapes(List<(string, string)> list, ZoneForge forge, string[] parts, string payload)
    {
        foreach (var token in new[] { "x", "..", ".", "a.b", "a.b.c.d", "a.b.c", $"{parts[0]}.{parts[1]}", $".{parts[1]}.{parts[2]}", " " + string.Join('.', parts) + " .", "é.é.é" })
        {
            list.Add(($"the text {token[..Math.Min(9, token.Length)]}", token));
        }

        foreach (var body in new[] { "[]", "null", "\"x\"", "7", "", "{", payload + "x", payload + payload, "{\"a\":" + payload + "}", "\ufeff" + payload })
        {
            list.Add(($"the payload {body[..Math.Min(9, body.Length)]}", forge.Sign(body)));
        }

        list.Add(("deep arrays", forge.Sign($"{payload[..^1]},\"x\":{new string('[', 4_000)}{new string(']', 4_000)}}}")));
        list.Add(("deep objects", forge.Sign($"{payload[..^1]},\"x\":{string.Concat(Enumerable.Repeat("{\"a\":", 3_000))}1{new string('}', 3_000)}}}")));
        list.Add(("a deep header", forge.Sign(payload, forge.Header("ES256", null, $",\"x\":{new string('[', 4_000)}{new string(']', 4_000)}"))));
        list.Add(("many claims, unsigned", ZoneForge.With(forge.Header(), $"{payload[..^1]},{string.Join(',', Enumerable.Range(0, 2_500).Select(i => $"\"c{i}\":{i}"))}}}", _ => new byte[64])));
        list.Add(("a huge claim, unsigned", ZoneForge.With(forge.Header(), $"{payload[..^1]},\"x\":\"{new string('a', 40_000)}\"}}", _ => new byte[64])));
        list.Add(("a huge number", forge.Sign($"{payload[..^1]},\"hop_count\":{new string('9', 5_000)}}}")));
    }

    private static async Task<TimeSpan> MedianAsync(StsHarness sts, string token)
    {
        var request = new ExchangeRequest(StsHarness.Zone, StsHarness.Application, token.AsMemory(), StsHarness.Resource, "GET", "/pay", "req");
        var times = new List<TimeSpan>(Rounds);
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var outcome = await sts.Service.Exchange.ExchangeAsync(request, CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(start));
            if (outcome.Failure?.Refusal.Status != 401)
            {
                throw new XunitException("a forged token was not refused");
            }
        }

        times.Sort();
        return times[Rounds / 2];
    }

    private static char Next(char digit)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return alphabet[alphabet.IndexOf(digit, StringComparison.Ordinal) ^ 1];
    }
}
