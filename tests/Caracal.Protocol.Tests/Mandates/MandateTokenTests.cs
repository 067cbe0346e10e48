using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Caracal.Protocol.Mandates;

namespace Caracal.Protocol.Tests.Mandates;

public sealed class MandateTokenTests
{
    // sts.md 6.1
    private const string SessionMandate =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6IjAxOThjMGRlLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDBhYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3N0cy5leGFtcGxlLmNvbSIsInN1YiI6ImFwcC0xIiwiYXVkIjpbImh0dHBzOi8vc3RzLmV4YW1wbGUuY29tIl0sImV4cCI6MTc2NzIyNjUwMCwiaWF0IjoxNzY3MjI1NjAwLCJqdGkiOiIwMTk4YzBkZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwYmIiLCJ6b25lX2lkIjoiem9uZS0xIiwiY2xpZW50X2lkIjoiYXBwLTEiLCJzY29wZSI6ImFnZW50OmxpZmVjeWNsZSIsInNpZCI6IjAxOThjMGRlLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDBjYyIsInJvb3Rfc2lkIjoiMDE5OGMwZGUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGNjIiwidXNlIjoic2Vzc2lvbiIsInN1Yl90eXBlIjoiYXBwbGljYXRpb24iLCJ0YXJnZXQiOlsicmVzb3VyY2U6Ly9waXBlcm5ldCJdfQ.tmab3of6PIwTZr2X2jbHq98LU4DMnxUHht6BDdSsrSLWzM-aYoPMtgbBTq-yfcVDGFFPnBnG0LkKV7g8Dvxktg";

    // gateway.md V4
    private const string ResourceMandate =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3Qta2lkLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL3N0cy5leGFtcGxlLmNvbSIsInN1YiI6InVzZXItMSIsImF1ZCI6WyJyZXNvdXJjZTovL2FwaSJdLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwianRpIjoiMDE4ZjdkNmEtOGY0YS03ZDlmLTlhNTQtNWU0ZmQ3ZGYwMDAxIiwiem9uZV9pZCI6InpvbmUtMSIsImNsaWVudF9pZCI6ImFwcC0xIiwic2NvcGUiOiJyZWFkIHdyaXRlIiwic2lkIjoiYXItMSIsInJvb3Rfc2lkIjoiYXItcm9vdCIsInVzZSI6InJlc291cmNlIiwic3ViX3R5cGUiOiJ1c2VyIiwidGFyZ2V0IjpbInJlc291cmNlOi8vYXBpIl0sImFnZW50X3Nlc3Npb25faWQiOiJzZXNzLWNoaWxkIiwiZGVsZWdhdGlvbl9lZGdlX2lkIjoiZWRnZS0xIiwic291cmNlX3Nlc3Npb25faWQiOiJzZXNzLXBhcmVudCIsInRhcmdldF9zZXNzaW9uX2lkIjoic2Vzcy1jaGlsZCIsImRlbGVnYXRpb25fcGF0aCI6WyJlZGdlLTEiXSwiZGVsZWdhdGlvbl9jaGFpbiI6W3siYXBwbGljYXRpb25faWQiOiJhcHAtcGFyZW50IiwiYWdlbnRfc2Vzc2lvbl9pZCI6InNlc3MtcGFyZW50IiwiZGVsZWdhdGlvbl9lZGdlX2lkIjoiZWRnZS0xIn0seyJhcHBsaWNhdGlvbl9pZCI6ImFwcC0xIiwiYWdlbnRfc2Vzc2lvbl9pZCI6InNlc3MtY2hpbGQifV0sImhvcF9jb3VudCI6MSwiZGVsZWdhdGlvbl9ncmFwaF9lcG9jaCI6N30.k5ojEfNufFjVbW348JrP1ftsyjedUwMQATYd8pRP3suw9MZoRp4zVO_XSe9_5FUPadRtR0ikn6erlp0UvmDeVA";

    private const string Jwks =
        """{"keys":[{"kty":"EC","x":"6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg","y":"zWqHlUUy2gRXyDBKLN71XWVr4gbddI-s7OrMMwtLnQo","crv":"P-256","kid":"test-kid-1","alg":"ES256","use":"sig"}]}""";

    [Fact]
    public void The_vector_of_the_sts_verifies()
    {
        var token = MandateToken.TryParse(SessionMandate)!;
        var key = EcPublicKey.TryCreate(
            token.KeyId!,
            Base64Url.DecodeFromChars("YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y"),
            Base64Url.DecodeFromChars("eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk"))!;
        Assert.True(key.Verify(token));
        Assert.Equal("application", token.Claims.SubjectType);
        Assert.Equal(["https://sts.example.com"], token.Claims.Audience);
    }

    [Fact]
    public void The_vector_of_the_verifier_verifies_with_every_claim()
    {
        var token = MandateToken.TryParse(ResourceMandate)!;
        Assert.True(JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Jwks))!.Find("test-kid-1")!.Verify(token));
        Assert.Equal(7, token.Claims.GraphEpoch);
        Assert.Equal(1, token.Claims.HopCount);
        Assert.Equal([new DelegationHop("app-parent", "sess-parent", "edge-1"), new DelegationHop("app-1", "sess-child", null)], token.Claims.DelegationChain);
        Assert.True(token.Claims.WellTyped);
    }

    [Theory]
    [InlineData(SessionMandate)]
    [InlineData(ResourceMandate)]
    public void Claims_are_written_byte_for_byte_as_they_were_read(string token)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            MandateToken.TryParse(token)!.Claims.WriteTo(writer);
        }

        Assert.Equal(token.Split('.')[1], Base64Url.EncodeToString(stream.ToArray()));
    }

    [Fact]
    public void A_single_changed_bit_anywhere_in_the_signed_part_or_the_signature_fails()
    {
        var key = JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Jwks))!.Keys[0];
        for (var i = 0; i < ResourceMandate.Length; i += 37)
        {
            var changed = ResourceMandate.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            var token = MandateToken.TryParse(new string(changed));
            Assert.False(token is not null && ResourceMandate[i] != changed[i] && key.Verify(token));
        }
    }

    [Fact]
    public void A_token_that_was_accepted_before_does_not_lend_its_yes_to_another()
    {
        var key = JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Jwks))!.Keys[0];
        Assert.True(key.Verify(MandateToken.TryParse(ResourceMandate)!));
        Assert.True(key.Verify(MandateToken.TryParse(ResourceMandate)!));
        var parts = ResourceMandate.Split('.');
        var other = Base64Url.EncodeToString("""{"sub":"somebody-else"}"""u8);
        Assert.False(key.Verify(MandateToken.TryParse($"{parts[0]}.{other}.{parts[2]}")!));
        Assert.False(key.Verify(MandateToken.TryParse($"{parts[0]}.{parts[1]}.{new string('A', 86)}")!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("!.!.!")]
    [InlineData("e30.W10.x")]
    [InlineData("e30.e30x.é")]
    public void What_is_no_token_is_null(string text) => Assert.Null(MandateToken.TryParse(text));

    [Theory]
    [InlineData("""{"aud":7}""")]
    [InlineData("""{"scope":["a"]}""")]
    [InlineData("""{"target":"x"}""")]
    [InlineData("""{"delegation_chain":[{"agent_session_id":"s"}]}""")]
    [InlineData("""{"hop_count":-1}""")]
    public void A_claim_of_a_wrong_type_marks_the_token(string payload)
    {
        var token = MandateToken.TryParse($"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}.AA")!;
        Assert.False(token.Claims.WellTyped);
    }

    [Theory]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"HS256","kid":"test-kid-1"}""")]
    [InlineData("""{"alg":"ES256"}""")]
    public void Other_algorithms_and_missing_key_ids_never_verify(string header)
    {
        var parts = ResourceMandate.Split('.');
        var token = MandateToken.TryParse($"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{parts[1]}.{parts[2]}")!;
        Assert.False(JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Jwks))!.Keys[0].Verify(token));
    }

    [Theory]
    [InlineData("""{"keys":[{"kty":"EC","x":"6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg","y":"zWqHlUUy2gRXyDBKLN71XWVr4gbddI-s7OrMMwtLnQo","crv":"P-256","kid":"k","alg":"ES256","use":"enc"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","x":"6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg","y":"6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg","crv":"P-256","kid":"k","alg":"ES256"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"k","alg":"ES256"}]}""")]
    public void Unusable_keys_are_left_out(string jwks) =>
        Assert.Empty(JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(jwks))!.Keys);

    [Fact]
    public void A_key_set_survives_its_own_document()
    {
        var set = JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Jwks))!;
        using var document = JsonDocument.Parse(set.ToUtf8Json());
        Assert.Equal(
            ["kty", "crv", "use", "kid", "alg", "x", "y"],
            document.RootElement.GetProperty("keys")[0].EnumerateObject().Select(m => m.Name));
        Assert.NotNull(JsonWebKeySet.TryParse(set.ToUtf8Json())!.Find("test-kid-1"));
    }
}
