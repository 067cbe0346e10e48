using System.Text;
using System.Text.Json;
using Caracal.Evidence.Canonical;

namespace Caracal.Evidence.Tests.Canonical;

public class CanonicalJsonTests
{
    [Theory]
    [InlineData("{\"b\":1,\"aa\":2,\"a\":3,\"\\u0041\":4}", "{\"A\": 4, \"a\": 3, \"b\": 1, \"aa\": 2}")]
    [InlineData("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\": 3, \"b\": 2}")]
    [InlineData("{\"a\":{\"c\":1,\"b\":[{\"zz\":1,\"y\":2}]},\"\":0}", "{\"\": 0, \"a\": {\"b\": [{\"y\": 2, \"zz\": 1}], \"c\": 1}}")]
    [InlineData("{\"é\":1,\"zz\":2,\"z\":3}", "{\"z\": 3, \"zz\": 2, \"é\": 1}")]
    [InlineData(" [ 1 , 2 ] ", "[1, 2]")]
    [InlineData("{}", "{}")]
    [InlineData("[]", "[]")]
    [InlineData("true", "true")]
    [InlineData("null", "null")]
    [InlineData("\"\\/<\\u007f\\u2028\\ud83d\\ude00\"", "\"/<\u007f\u2028😀\"")]
    [InlineData("\"\\b\\f\\n\\r\\t\\\"\\\\\\u001f\\u0001\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\\u001f\\u0001\"")]
    [InlineData("\"a\\u0000b\"", "\"ab\"")]
    [InlineData("{\"a\\u0000\":1,\"a\":2}", "{\"a\": 2}")]
    [InlineData("\"\\ud800\"", "\"\uFFFD\"")]
    [InlineData("\"\\udc00\\ud800x\"", "\"\uFFFD\uFFFDx\"")]
    [InlineData("\"\\ud800\\u0041\"", "\"\uFFFDA\"")]
    public void Gives_the_text_form_of_jsonb(string json, string expected) => Assert.Equal(expected, CanonicalJson.Text(json));

    [Theory]
    [InlineData("1.0", "1.0")]
    [InlineData("1.50", "1.50")]
    [InlineData("1e2", "100")]
    [InlineData("1E-3", "0.001")]
    [InlineData("0.1e1", "1")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "0.0")]
    [InlineData("0e5", "0")]
    [InlineData("0e-5", "0.00000")]
    [InlineData("0.00e1", "0.0")]
    [InlineData("1.50e1", "15.0")]
    [InlineData("-12.345E+2", "-1234.5")]
    [InlineData("123e-5", "0.00123")]
    [InlineData("0.001e2", "0.1")]
    [InlineData("0.0010e2", "0.10")]
    [InlineData("10e-1", "1.0")]
    [InlineData("12345678901234567890.123", "12345678901234567890.123")]
    public void Writes_numbers_in_plain_decimal_with_their_scale(string json, string expected) => Assert.Equal(expected, CanonicalJson.Text(json));

    [Theory]
    [InlineData("1e200000")]
    [InlineData("1e99999999999999999999")]
    [InlineData("1e-20000")]
    public void Refuses_numbers_beyond_what_the_database_holds(string json) =>
        Assert.Throws<CanonicalFormException>(() => CanonicalJson.Text(json));

    [Fact]
    public void Refuses_a_text_that_would_fill_memory() =>
        Assert.Throws<CanonicalFormException>(() => CanonicalJson.Text("[" + string.Join(',', Enumerable.Repeat("1e131071", 1000)) + "]"));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("01")]
    [InlineData("\"\\x\"")]
    [InlineData("{\"a\":1,}")]
    public void Refuses_what_is_not_one_json_value(string json) =>
        Assert.ThrowsAny<JsonException>(() => CanonicalJson.Text(json));

    [Fact]
    public void Broken_utf8_becomes_the_replacement_character() =>
        Assert.Equal("\"a\uFFFDb\"", CanonicalJson.Text([(byte)'"', (byte)'a', 0xff, (byte)'b', (byte)'"']));

    [Theory]
    [InlineData("{\"b\":1,\"aa\":2,\"a\":3}", "{\"a\":3,\"aa\":2,\"b\":1}")]
    [InlineData("[1.0,1e2,-0,0.000001,1e-7,1e21,123456789012345680000,0.1,1.5,4.50,2e-3,333333333.33333329,1E30]", "[1,100,0,0.000001,1e-7,1e+21,123456789012345680000,0.1,1.5,4.5,0.002,333333333.3333333,1e+30]")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("-1.5", "-1.5")]
    [InlineData("\"\\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"\\/\"", "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")]
    [InlineData("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}", "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}")]
    public void Gives_the_form_of_rfc_8785(string json, string expected) => Assert.Equal(expected, Rfc8785.Text(json));

    [Fact]
    public void Rfc_8785_refuses_a_number_no_double_holds() =>
        Assert.Throws<CanonicalFormException>(() => Rfc8785.Text("1e400"));

    [Fact]
    public void Request_digests_match_the_vectors()
    {
        const string shuffled = "{\"ttl_seconds\":3600,\"principal\":{\"subject\":\"app1\",\"client_id\":\"app1\"},\"application_id\":\"app1\",\"inherit_parent_edge_id\":null,\"labels\":[\"a\",\"b\"],\"lifecycle\":\"task\",\"metadata\":{\"task\":\"triage\",\"n\":1.50},\"parent_authority\":\"inherit\",\"parent_id\":null,\"subject_authority_record_id\":\"sid1\"}";
        Assert.Equal("949a9bafad38544de163869ccc3ae96e2eceb19a9f6a2bb4e3e01269426e6e76", Convert.ToHexStringLower(Rfc8785.Digest(Encoding.UTF8.GetBytes(shuffled))));
        var without = shuffled.Replace("\"sid1\"", "null", StringComparison.Ordinal);
        Assert.Equal("546710ef7f2cae3cfe2283af9621890f91abed2810421cbc76b70f1751f6ffa6", Convert.ToHexStringLower(Rfc8785.Digest(Encoding.UTF8.GetBytes(without))));
    }
}
