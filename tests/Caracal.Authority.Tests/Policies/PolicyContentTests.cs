using Caracal.Authority.Policies;

namespace Caracal.Authority.Tests.Policies;

public sealed class PolicyContentTests
{
    private const string Head = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\n";

    [Theory]
    [InlineData("", "empty_policy")]
    [InlineData(" \n", "empty_policy")]
    [InlineData("package caracal.authz\nx := \"open", "unterminated_string")]
    [InlineData("package caracal.authz\nx := `open", "unterminated_string")]
    [InlineData("package caracal.authz\nx := {(})", "unbalanced_delimiters")]
    [InlineData("x := 1", "missing_package_declaration")]
    [InlineData("package caracal.1x\nx := 1", "invalid_package_name")]
    [InlineData("# caracal:data-document\npackage other\ngrants := {}", "must_use_package_caracal_authz")]
    [InlineData("package caracal.authz\nimport rego.v1\ngrants := {}", "must_be_data_document")]
    [InlineData("package caracal.authz\nimport rego.v1\ngrants := {} # caracal:data-document\n", "must_be_data_document")]
    [InlineData(Head + "result := {\"decision\": \"allow\"}", "data_document_must_not_define_result")]
    [InlineData(Head + "result[\"x\"] := 1", "data_document_must_not_define_result")]
    [InlineData(Head + "result.x := 1", "data_document_must_not_define_result")]
    [InlineData(Head, "data_document_must_define_data")]
    [InlineData(Head + "helper := 1", "data_document_rule_not_allowed:helper")]
    [InlineData(Head + "grants := http.send({})", "forbidden_builtin:http.send")]
    [InlineData(Head + "grants := time.now_ns()", "forbidden_builtin:time.now_ns")]
    public void Names_the_first_rule_a_source_breaks(string content, string code) =>
        Assert.Equal(code, PolicyContent.Validate(content, customAllowed: true).Code);

    [Theory]
    [InlineData(Head + "grants := {}")]
    [InlineData(Head + "grants := data.http.send")]
    [InlineData("package caracal.authz\n# caracal:data-document\nimport rego.v1\ngrants := {}\n")]
    [InlineData("# caracal:data-document\r\npackage caracal.authz\r\nimport rego.v1\r\ngrants := {}\r\n")]
    [InlineData(Head + "restrict contains \"x\" if input.principal.id == \"a\"")]
    [InlineData(Head + "grants[\"r\"] := {\"application\": \"a\", \"roles\": {}}")]
    [InlineData(Head + "grants := x if {\n    x := {}\n}")]
    [InlineData(Head + "grants := {\"text\": \"http.send( # not a call\"}")]
    public void Accepts_data_documents(string content)
    {
        var verdict = PolicyContent.Validate(content, customAllowed: true);
        Assert.Null(verdict.Code);
        Assert.False(verdict.Preview!.Custom);
    }

    [Fact]
    public void Bounds_the_length_of_a_source()
    {
        var longest = Head + "grants := {}\n#";
        Assert.Null(PolicyContent.Validate(longest.PadRight(PolicyContent.MaximumLength, 'x'), true).Code);
        Assert.Equal("content_too_large", PolicyContent.Validate(longest.PadRight(PolicyContent.MaximumLength + 1, 'x'), true).Code);
    }

    [Fact]
    public void Says_where_the_parser_or_compiler_refuses()
    {
        Assert.Matches("^[0-9]+:[0-9]+: rego_[a-z_]+: ", PolicyContent.Validate(Head + "grants := x\n", true).Code!);
    }

    [Fact]
    public void Never_throws_on_rubbish()
    {
        var random = new Random(7);
        const string alphabet = "{}[]()\"`#\n\r\t :=.,abcgrants package\\";
        for (var i = 0; i < 2_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(60)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            _ = PolicyContent.Validate(text, true);
            _ = PolicyContent.Validate(Head + text, true);
        }
    }
}
