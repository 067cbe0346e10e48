using Caracal.Rego;

namespace Caracal.Rego.Tests.Language;

public class ModeTests
{
    [Theory]
    [InlineData("package caracal.authz\nresult = {\"ok\": true} { input.x == 1 }")]
    [InlineData("package caracal.authz\nresult := {\"ok\": true} if { input.x == 1 }")]
    [InlineData("package caracal.authz\nimport rego.v1\nresult := {\"ok\": true} if input.x == 1")]
    [InlineData("package caracal.authz\nimport future.keywords.if\nresult := {\"ok\": true} if { input.x == 1 }")]
    public void Automatic_mode_reads_both_syntaxes(string source) =>
        Assert.Equal("{\"ok\":true}", Policy.Compile(RegoCompilerOptions.Product, source).Show("data.caracal.authz.result", "{\"x\":1}"));

    [Fact]
    public void Modules_of_both_syntaxes_share_a_package()
    {
        var policy = Policy.Compile(RegoCompilerOptions.Product, "package t\nold[x] { x := 1 }", "package t\nimport rego.v1\nnew := x if some x in old");
        Assert.Equal("1", policy.Show("data.t.new"));
    }

    [Theory]
    [InlineData("http.send({})", "http.send")]
    [InlineData("http .\n send({})", null)]
    [InlineData("time.now_ns()", "time.now_ns")]
    [InlineData("rand.intn(\"a\", 1)", "rand.intn")]
    [InlineData("opa.runtime()", "opa.runtime")]
    [InlineData("net.cidr_contains(\"10.0.0.0/8\", \"10.0.0.1\")", "net.cidr_contains")]
    [InlineData("io.jwt.encode_sign({}, {}, {})", "io.jwt.encode_sign")]
    public void Forbidden_builtins_do_not_exist(string call, string? name)
    {
        var error = Policy.Errors($"package t\nimport rego.v1\np := {call}", RegoCompilerOptions.Product)[0];
        if (name is null) Assert.Equal("rego_parse_error", error.Code);
        else Assert.Equal($"m.rego:3: rego_type_error: undefined function {name}", error.ToString());
    }

    [Fact]
    public void Forbidden_builtins_cannot_be_replaced_either() =>
        Assert.Equal("rego_type_error", Policy.Errors("package t\nimport rego.v1\np if true with http.send as 1", RegoCompilerOptions.Product)[0].Code);

    [Fact]
    public void Names_in_text_and_documents_are_not_builtins() =>
        Policy.Compile(RegoCompilerOptions.Product, "package t\nimport rego.v1\np := \"http.send(\"\nq := data.http.send # http.send(1)");

    [Fact]
    public void Inspection_tells_what_a_module_holds()
    {
        var inspection = RegoParser.Inspect(
            """
            package caracal.authz
            # caracal:data-document
            import rego.v1
            import data.shared.roles
            default grants := {}
            restrict contains x if { some x in input.context.flags; data.extra[x].on }
            f(a, b) := n if n := count(a) + b with time.now_ns as 1
            p[input.x].y := roles.admin
            """);
        Assert.True(inspection.Succeeded);
        var module = inspection.Module;
        Assert.Equal("caracal.authz", module.Package);
        Assert.Equal(["data.shared.roles"], module.Imports);
        Assert.Equal(["data.extra", "data.shared.roles.admin"], module.DataPaths);
        Assert.Equal(["input.context.flags", "input.x"], module.InputPaths);
        Assert.Equal(["count", "time.now_ns"], module.Builtins);
        Assert.Contains(" caracal:data-document", module.Comments);
        Assert.Equal(
            ["grants Complete True 0 5 True", "restrict PartialSet False 0 6 True", "f Function False 2 7 True", "p PartialObject False 0 8 False"],
            module.Rules.Select(r => $"{r.Name} {r.Kind} {r.IsDefault} {r.Arity} {r.Line} {r.IsExactName}"));
    }

    [Fact]
    public void Inspection_reports_where_reading_failed()
    {
        var error = Assert.Single(RegoParser.Inspect("package t\n\np := ]").Errors);
        Assert.Equal(("rego_parse_error", 3, 6), (error.Code, error.Line, error.Column));
    }
}
