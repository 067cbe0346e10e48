using Caracal.Gateway.Admission;

namespace Caracal.Gateway.Tests.Admission;

public sealed class PathRulesTests
{
    [Theory]
    [InlineData("/a/../b")]
    [InlineData("/./x")]
    [InlineData("/..")]
    [InlineData("/.")]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/a/%2E%2e/b")]
    [InlineData("/a/%252e%252e/b")]
    [InlineData("/a/%25252e%25252e/b")]
    [InlineData("/a/%5c..")]
    [InlineData("/a\\b")]
    [InlineData("/a/%255c..%255c")]
    [InlineData("/x/..%2f..")]
    [InlineData("/x/%2e%2e%2fy")]
    [InlineData("/a/%")]
    [InlineData("/a/%2")]
    [InlineData("/a/%zz")]
    [InlineData("/a/%2%35")]
    [InlineData("/a/%ff")]
    [InlineData("/a/%c0%ae%c0%ae/b")]
    [InlineData("/ä")]
    [InlineData("/a/..;/b")]
    [InlineData("/a/..;x=1/b")]
    [InlineData("/a/.;/b")]
    [InlineData("/a/%2e%2e%3b/b")]
    [InlineData("/a/%252e%252e%253bx/b")]
    [InlineData("/a/..%00/b")]
    [InlineData("/a%00")]
    [InlineData("/a/%2500b")]
    [InlineData("/a/.%09./b")]
    [InlineData("/a/%250d%250ab")]
    [InlineData("/a/%7f")]
    [InlineData("/a b")]
    [InlineData("/a%2fb c")]
    public void Refuses_a_way_out_in_any_encoding(string raw) => Assert.False(PathRules.TryDecode(raw, out _));

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/.env", "/.env")]
    [InlineData("/foo..bar", "/foo..bar")]
    [InlineData("/a/...", "/a/...")]
    [InlineData("/a;v=1/b;..", "/a;v=1/b;..")]
    [InlineData("/a%2Fb", "/a/b")]
    [InlineData("/100%25", "/100%")]
    [InlineData("/v1/items%20list", "/v1/items list")]
    [InlineData("/%C3%A4", "/ä")]
    [InlineData("//double//slash/", "//double//slash/")]
    [InlineData("/a%2541", "/a%41")]
    public void Decodes_an_honest_path_once(string raw, string decoded)
    {
        Assert.True(PathRules.TryDecode(raw, out var text));
        Assert.Equal(decoded, text);
    }

    [Fact]
    public void A_deeply_nested_encoding_is_found_in_one_pass()
    {
        var nested = "/a/%" + string.Concat(Enumerable.Repeat("25", 4000)) + "2e%" + string.Concat(Enumerable.Repeat("25", 3000)) + "2e/b";
        Assert.False(PathRules.TryDecode(nested, out _));
    }

    [Fact]
    public void Agrees_with_decoding_step_by_step_on_any_text()
    {
        var random = new Random(20_261_124);
        const string Alphabet = "%%%%2222555eEfFcC0./\\a";
        for (var i = 0; i < 50_000; i++)
        {
            var text = "/" + new string([.. Enumerable.Range(0, random.Next(14)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
            Assert.Equal(StepByStep(text), PathRules.TryDecode(text, out _));
        }
    }

    // gateway.md A4 to the letter: decode every valid escape, look, again until nothing changes.
    private static bool StepByStep(string text)
    {
        if (Enumerable.Range(0, text.Length).Any(i => text[i] == '%' && !IsEscape(text, i)) || !IsUtf8(DecodeOnce(text)))
        {
            return false;
        }

        for (var before = ""; before != text; text = DecodeOnce(text))
        {
            before = text;
            if (DecodeOnce(text) is var seen && (seen.Contains('\\') || seen.Any(c => c is < ' ' or '\x7f') || seen.Split('/').Any(segment => segment is "." or "..")))
            {
                return false;
            }
        }

        return true;
    }

    private static string DecodeOnce(string text)
    {
        var decoded = new System.Text.StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var escaped = IsEscape(text, i);
            decoded.Append(escaped ? (char)Convert.ToByte(text.Substring(i + 1, 2), 16) : text[i]);
            i += escaped ? 2 : 0;
        }

        return decoded.ToString();
    }

    private static bool IsEscape(string text, int at) =>
        at + 2 < text.Length && text[at] == '%' && char.IsAsciiHexDigit(text[at + 1]) && char.IsAsciiHexDigit(text[at + 2]);

    private static bool IsUtf8(string latin) => System.Text.Unicode.Utf8.IsValid(System.Text.Encoding.Latin1.GetBytes(latin));

    [Theory]
    [InlineData("/a/b?x=1", "/a/b", "x=1", true)]
    [InlineData("/a/b?x=1#frag", "/a/b", "x=1", true)]
    [InlineData("/a#frag?x", "/a", "", true)]
    [InlineData("/a?b?c", "/a", "b?c", true)]
    [InlineData("http://host/a/../b?x", "/a/../b", "x", true)]
    [InlineData("http://host", "/", "", true)]
    [InlineData("http://host?x", "/", "x", true)]
    [InlineData("*", "*", "", false)]
    [InlineData("host:443", "host:443", "", false)]
    public void Reads_the_target_as_it_stood_on_the_wire(string raw, string path, string query, bool isPath)
    {
        var target = RequestTarget.Parse(raw);
        Assert.Equal((path, query, isPath), (target.Path, target.Query, target.IsPath));
    }
}
