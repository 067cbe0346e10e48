using System.Text;
using Caracal.Protocol.Mandates;

namespace Caracal.Protocol.Tests.Mandates;

/// <summary>A mandate has one text, and nothing in it is said twice.</summary>
public sealed class MandateTextTests
{
    private const string Header = """{"alg":"ES256","kid":"k"}""";
    private const string Payload = """{"iss":"i","use":"gateway","x":[1,2]}""";

    [Fact]
    public void Claims_that_nobody_knows_are_passed_over_whatever_their_shape()
    {
        var claims = Read(Header, """{"a":{"iss":"no"},"use":"gateway","unknown_name_of_any_length":[[{}]],"isss":1,"iss":"i"}""")!.Claims;
        Assert.Equal(("i", "gateway", true), (claims.Issuer, claims.Use, claims.WellTyped));
    }

    [Fact]
    public void An_escaped_name_is_the_same_name()
    {
        var claims = Read(Header, """{"\u0069ss":"i","us\u0065":"gateway"}""")!.Claims;
        Assert.Equal(("i", "gateway"), (claims.Issuer, claims.Use));
    }

    [Theory]
    [InlineData("""{"iss":"i","iss":"i"}""")]
    [InlineData("""{"use":"gateway","x":1,"use":"session"}""")]
    [InlineData("""{"sub":null,"sub":"admin"}""")]
    [InlineData("""{"delegation_graph_epoch":1,"delegation_graph_epoch":2}""")]
    [InlineData("""{"use":"gateway","us\u0065":"session"}""")]
    public void A_claim_given_twice_is_not_well_typed(string payload)
    {
        Assert.False(Read(Header, payload)!.Claims.WellTyped);
    }

    [Theory]
    [InlineData("""{"alg":"none","alg":"ES256","kid":"k"}""")]
    [InlineData("""{"alg":"ES256","kid":"a","kid":"k"}""")]
    public void A_header_member_given_twice_makes_no_token(string header)
    {
        Assert.Null(Read(header, Payload));
    }

    [Fact]
    public void Padding_white_space_and_spare_bits_are_refused()
    {
        var good = $"{Encode(Header)}.{Encode(Payload)}.{Encode("sixty-four bytes of signature are not needed here")}";
        Assert.NotNull(MandateToken.TryParse(good));
        var parts = good.Split('.');
        Assert.Null(MandateToken.TryParse($"{parts[0]}=.{parts[1]}.{parts[2]}"));
        Assert.Null(MandateToken.TryParse($"{parts[0]}.{parts[1]}=.{parts[2]}"));
        Assert.Null(MandateToken.TryParse($"{parts[0]}.\n{parts[1]}.{parts[2]}"));
        Assert.Null(MandateToken.TryParse($"{parts[0]}.{parts[1]}A.{parts[2]}"));
        Assert.Empty(MandateToken.TryParse(good + "=")!.Signature.ToArray());
        Assert.Empty(MandateToken.TryParse($"{parts[0]}.{parts[1]}.{parts[2][..^1]} ")!.Signature.ToArray());
        Assert.Empty(MandateToken.TryParse($"{parts[0]}.{parts[1]}.AB")!.Signature.ToArray());
        Assert.Equal([0], MandateToken.TryParse($"{parts[0]}.{parts[1]}.AA")!.Signature.ToArray());
    }

    [Fact]
    public void A_text_beyond_the_bound_is_not_looked_at()
    {
        var payload = $$"""{"iss":"{{new string('x', MandateToken.MaximumLength)}}"}""";
        Assert.Null(Read(Header, payload));
        Assert.NotNull(Read(Header, $$"""{"iss":"{{new string('x', 20_000)}}"}"""));
    }

    private static MandateToken? Read(string header, string payload) =>
        MandateToken.TryParse($"{Encode(header)}.{Encode(payload)}.{Encode("signature")}");

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
