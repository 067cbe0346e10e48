using System.Text.Json;

namespace Caracal.Cli.Tests;

public sealed class PolicyCommandTests : IDisposable
{
    private const string Authz =
        """
        package caracal.authz

        import rego.v1

        default result := {"decision": "deny"}

        result := {"decision": "allow", "by": input.principal} if allowed

        allowed if {
        	input.action == "read"
        	some role in input.roles
        	role in {"reader", "admin"}
        }

        allowed if input.principal == "root"

        """;

    private const string Tests =
        """
        package caracal.authz_test

        import rego.v1

        test_readers_read if data.caracal.authz.allowed with input as {"action": "read", "roles": ["reader"]}

        test_guests_do_not if not data.caracal.authz.allowed with input as {"action": "read", "roles": ["guest"]}

        """;

    private readonly Running cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData]
    [InlineData("frobnicate")]
    [InlineData("check")]
    [InlineData("check", "missing.rego")]
    [InlineData("check", "x.rego", "--speed", "9")]
    [InlineData("eval", "data.t.p")]
    [InlineData("fmt", "x.rego", "--check", "--write")]
    [InlineData("test", "x.rego", "--threshold", "101")]
    [InlineData("check", "x.rego", "--syntax", "v2")]
    public async Task A_typing_error_is_refused_with_one_line(params string[] words)
    {
        File("x.rego", "package t\n\np := 1\n");

        var (exit, output, error) = await RunAsync([.. words.Select(w => w.EndsWith(".rego", StringComparison.Ordinal) ? In(w) : w)]);

        Assert.Equal((1, ""), (exit, output));
        Assert.StartsWith("✗ ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Check_shows_every_error_with_its_line_and_a_caret()
    {
        var file = File("bad.rego", "package t\n\nimport rego.v1\n\np if {\n\tinput.x > y\n\tz\n}\n");

        var (exit, output, error) = await RunAsync("check", file);

        Assert.Equal((1, ""), (exit, output));
        Assert.Equal(
            $"✗ {file}:6:12: rego_unsafe_var_error: var y is unsafe\n     6 |     input.x > y\n       |               ^\n"
            + $"✗ {file}:7:2: rego_unsafe_var_error: var z is unsafe\n     7 |     z\n       |     ^\n✗ 2 errors in 1 file of 1\n",
            error);
    }

    [Fact]
    public async Task Check_tells_the_first_error_of_every_file_that_cannot_be_read()
    {
        for (var i = 0; i < 12; i++) File($"p/{i:00}.rego", "package t\n\np := [\n");

        var (exit, _, error) = await RunAsync("check", In("p"));

        Assert.Equal(1, exit);
        for (var i = 0; i < 12; i++) Assert.Contains($"{i:00}.rego:4:1: rego_parse_error", error, StringComparison.Ordinal);
        Assert.EndsWith("✗ 12 errors in 12 files of 12\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_holds_modules_to_the_profile_of_the_product()
    {
        var file = File("send.rego", "package t\n\np := http.send({\"url\": \"http://a\"})\n");

        var product = await RunAsync("check", file);
        var all = await RunAsync("check", "--all-builtins", file);

        Assert.Equal(1, product.Exit);
        Assert.Contains(":3:6: rego_type_error: undefined function http.send", product.Error, StringComparison.Ordinal);
        Assert.Equal((0, "✓ 1 file, 1 rule: no errors\n"), (all.Exit, all.Output));
    }

    [Fact]
    public async Task Check_tells_what_the_api_would_refuse()
    {
        var file = File("other.rego", "package other\n\np := 1\n");

        Assert.Equal(0, (await RunAsync("check", file)).Exit);
        var (exit, _, error) = await RunAsync("check", file, "--upload");

        Assert.Equal(1, exit);
        Assert.Contains("invalid_rego: must_use_package_caracal_authz", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_switch_does_not_swallow_the_file_behind_it()
    {
        var file = File("bad.rego", "package t\n\np := x\n");

        var (exit, output, error) = await RunAsync("check", "--json", file);

        Assert.Equal((1, ""), (exit, error));
        using var document = JsonDocument.Parse(output);
        var only = document.RootElement.GetProperty("errors")[0];
        Assert.Equal((file, 3, 6, "rego_unsafe_var_error", "p := x"), (
            only.GetProperty("file").GetString(), only.GetProperty("line").GetInt32(), only.GetProperty("column").GetInt32(),
            only.GetProperty("code").GetString(), only.GetProperty("source").GetString()));
    }

    [Fact]
    public async Task Secrets_in_sources_and_results_are_not_printed()
    {
        const string Secret = "eyJhbGciOiJub25lIn0.e30.c2ln";
        var bad = File("bad.rego", $"package t\n\np := x + \"{Secret}\"\n");
        var good = File("good.rego", "package t\n\np := {input.token: input.url}\n");
        var input = File("in.json", $"{{\"token\": \"{Secret}\", \"url\": \"postgres://a:hunter2@db/x\"}}");

        var check = await RunAsync("check", bad);
        var eval = await RunAsync("eval", "data.t.p", good, "--input", input);
        var shown = await RunAsync("eval", "data.t.p", good, "--input", input, "--show-secrets");

        Assert.DoesNotContain("eyJ", check.Error, StringComparison.Ordinal);
        Assert.Equal("{\n  \"***\": \"postgres://a:***@db/x\"\n}\n", eval.Output);
        Assert.Contains(Secret, shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_gives_the_value_the_bindings_or_undefined()
    {
        File("p/authz.rego", Authz);
        var input = File("in.json", """{"principal": "ann", "action": "read", "roles": ["reader", "guest"]}""");

        var value = await RunAsync("eval", "data.caracal.authz.result", In("p"), "--input", input);
        var bindings = await RunAsync("eval", "some role in input.roles", In("p"), "--input", input);
        var undefined = await RunAsync("eval", "data.caracal.authz.allowed", In("p"));
        var failing = await RunAsync("eval", "data.caracal.authz.allowed", In("p"), "--fail");

        Assert.Equal((0, "{\n  \"by\": \"ann\",\n  \"decision\": \"allow\"\n}\n"), (value.Exit, value.Output));
        Assert.Equal((0, "role\n--------\n\"reader\"\n\"guest\"\n"), (bindings.Exit, bindings.Output));
        Assert.Equal((0, "undefined\n"), (undefined.Exit, undefined.Output));
        Assert.Equal(1, failing.Exit);
    }

    [Theory]
    [InlineData("1 == 1", 0)]
    [InlineData("1 == 2", 1)]
    [InlineData("false", 1)]
    [InlineData("0", 0)]
    [InlineData("[]", 1)]
    [InlineData("[0]", 0)]
    [InlineData("some x in [1]", 0)]
    [InlineData("some x in []", 1)]
    public async Task Fail_is_about_what_holds(string query, int exit) =>
        Assert.Equal(exit, (await RunAsync("eval", query, File("x.rego", "package t\n\np := 1\n"), "--fail")).Exit);

    [Fact]
    public async Task Eval_merges_base_documents_and_the_later_file_wins()
    {
        var file = File("x.rego", "package t\n\np := data.cfg\n");
        var one = File("one.json", """{"cfg": {"a": 1, "b": {"c": 1, "d": 1}}}""");
        var two = File("two.json", """{"cfg": {"b": {"c": 2}}}""");

        var (exit, output, _) = await RunAsync("eval", "data.t.p", file, "--data", one, "--data", two, "--json");

        Assert.Equal(0, exit);
        using var document = JsonDocument.Parse(output);
        Assert.Equal("{\"a\":1,\"b\":{\"c\":2,\"d\":1}}", JsonSerializer.Serialize(document.RootElement.GetProperty("value")));
        Assert.True(document.RootElement.GetProperty("steps").GetInt64() > 0);
    }

    [Fact]
    public async Task Eval_explains_where_a_rule_failed()
    {
        var file = File("authz.rego", Authz);
        var input = File("in.json", """{"principal": "ann", "action": "write", "roles": ["reader"]}""");

        var (exit, output, _) = await RunAsync("eval", "data.caracal.authz.result", file, "--input", input, "--explain");

        Assert.Equal(0, exit);
        Assert.Contains($"✗ data.caracal.authz.allowed  {file}:9\n    failed at {file}:10:2  input.action == \"read\"\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_runs_data_documents_under_the_decision_contract_as_the_sts_does()
    {
        var file = File("grants.rego", "# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\ngrants := {}\n");

        var (exit, output, _) = await RunAsync("eval", "data.caracal.authz.result", file, "--contract", "--input", File("in.json", "{}"), "--json");

        Assert.Equal(0, exit);
        using var document = JsonDocument.Parse(output);
        Assert.Equal("deny", document.RootElement.GetProperty("value").GetProperty("decision").GetString());
    }

    [Theory]
    [InlineData("{", "in.json")]
    [InlineData("[1]", "data.json")]
    public async Task Documents_that_are_no_json_are_refused_with_their_name(string text, string name)
    {
        var file = File("x.rego", "package t\n\np := 1\n");
        var (exit, output, error) = await RunAsync("eval", "data.t.p", file, name == "in.json" ? "--input" : "--data", File(name, text));

        Assert.Equal((1, ""), (exit, output));
        Assert.Contains(name, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_that_costs_too_much_ends_with_the_engines_error()
    {
        var file = File("x.rego", "package t\n\np := count([1 | some a in xs; some b in xs; some c in xs; a + b + c == -1])\n\nxs := numbers.range(1, input.n)\n");
        var (exit, output, error) = await RunAsync("eval", "data.t.p", file, "--input", File("in.json", "{\"n\": 5000}"), "--timeout", "600000");

        Assert.Equal((1, ""), (exit, output));
        Assert.Contains("eval_limit_error: evaluation budget exceeded", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tests_pass_with_their_times_and_the_lines_they_reached()
    {
        var policy = File("p/authz.rego", Authz);
        var tests = File("p/authz_test.rego", Tests);

        var (exit, output, error) = await RunAsync("test", In("p"), "--coverage");

        Assert.Equal((0, ""), (exit, error));
        Assert.Matches("(?m)^  ✓ data\\.caracal\\.authz_test\\.test_readers_read   \\d+\\.\\d\\d ms$", output);
        Assert.Matches("(?m)^  ✓ data\\.caracal\\.authz_test\\.test_guests_do_not  \\d+\\.\\d\\d ms$", output);
        // Nothing asks for the result.
        Assert.Contains($"{policy}  7      71.4 %   5, 7\n", output, StringComparison.Ordinal);
        Assert.EndsWith("coverage 71.4 %\n✓ 2 passed\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain($"{tests}  ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_test_shows_the_condition_that_failed()
    {
        File("p/authz.rego", Authz);
        var tests = File("p/authz_test.rego", Tests + "test_writers_write if {\n\tx := 1\n\tdata.caracal.authz.allowed with input as {\"action\": \"write\", \"n\": x}\n}\n");

        var (exit, output, error) = await RunAsync("test", In("p"));
        var one = await RunAsync("test", In("p"), "--run", "guests");

        Assert.Equal((1, "✗ 2 passed, 1 failed\n"), (exit, error));
        Assert.Contains($"      {tests}:10:2: data.caracal.authz.allowed with input as", output, StringComparison.Ordinal);
        Assert.Equal(0, one.Exit);
        Assert.Contains("✓ 1 passed", one.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test_x := 1", false)]
    [InlineData("test_x := false", false)]
    [InlineData("test_x := true", true)]
    [InlineData("test_x if { a := 1; a == 1 }", true)]
    [InlineData("test_x := a if { some a in [true, false] }", false)]
    public async Task A_test_passes_when_it_is_true(string rule, bool passes)
    {
        var (exit, output, _) = await RunAsync("test", "--json", File("x.rego", $"package t\n\nimport rego.v1\n\n{rule}\n"));

        Assert.Equal(passes ? 0 : 1, exit);
        using var document = JsonDocument.Parse(output);
        Assert.Equal(passes, document.RootElement.GetProperty("tests")[0].GetProperty("passed").GetBoolean());
    }

    [Fact]
    public async Task Too_little_coverage_fails()
    {
        File("p/authz.rego", Authz);
        File("p/authz_test.rego", Tests);

        Assert.Equal(0, (await RunAsync("test", In("p"), "--threshold", "71")).Exit);
        var (exit, _, error) = await RunAsync("test", In("p"), "--threshold", "72");

        Assert.Equal((1, "✗ coverage is below 72 %\n"), (exit, error));
    }

    [Fact]
    public async Task A_folder_without_tests_is_no_success()
    {
        var (exit, _, error) = await RunAsync("test", File("authz.rego", Authz));

        Assert.Equal(1, exit);
        Assert.Contains("no test", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fmt_prints_one_file_checks_many_and_writes_in_place()
    {
        const string Messy = "package t\np:=1 # one\n";
        const string Clean = "package t\n\np := 1 # one\n";
        var messy = File("p/messy.rego", Messy, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File("p/clean.rego", Clean);

        var print = await RunAsync("fmt", messy);
        var check = await RunAsync("fmt", "--check", In("p"));
        Assert.Equal(Messy, System.IO.File.ReadAllText(messy));
        var write = await RunAsync("fmt", "--write", In("p"));
        var again = await RunAsync("fmt", "--check", In("p"));

        Assert.Equal((0, Clean), (print.Exit, print.Output));
        Assert.Equal((1, $"{messy}\n", "✗ 1 of 2 files not formatted\n"), (check.Exit, check.Output, check.Error));
        Assert.Equal((0, $"{messy}\n✓ 1 file formatted, 1 already were\n"), (write.Exit, write.Output));
        Assert.Equal((0, "✓ 2 files: formatted\n"), (again.Exit, again.Output));
        Assert.Equal(Clean, System.IO.File.ReadAllText(messy));
        Assert.Equal(2, Directory.GetFiles(In("p")).Length);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, System.IO.File.GetUnixFileMode(messy));
    }

    [Fact]
    public async Task Fmt_leaves_what_it_cannot_read()
    {
        const string Broken = "package t\np := [\n";
        var file = File("x.rego", Broken);

        var (exit, output, error) = await RunAsync("fmt", "--write", file);

        Assert.Equal((1, ""), (exit, output));
        Assert.Contains($"{file}:3:1: rego_parse_error", error, StringComparison.Ordinal);
        Assert.Equal(Broken, System.IO.File.ReadAllText(file));
    }

    private Task<(int Exit, string Output, string Error)> RunAsync(params string[] words) => cli.RunAsync(["policy", .. words]);

    private string In(string name) => Path.Combine(cli.Home, name);

    private string File(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        return cli.Write(name, text, mode);
    }
}
