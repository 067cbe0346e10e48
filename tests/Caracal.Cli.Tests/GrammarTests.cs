using System.Text.Json;
using System.Text.RegularExpressions;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Tests;

public sealed class GrammarTests
{
    [Theory]
    [InlineData("nope")]
    [InlineData("Up")]
    [InlineData("../up")]
    [InlineData("-")]
    public async Task An_unknown_command_says_so_on_stderr_with_the_usage_and_nothing_on_stdout(string command)
    {
        using var cli = new Running();

        var (exit, output, error) = await cli.RunAsync(command);

        Assert.Equal((1, ""), (exit, output));
        Assert.StartsWith("✗ unknown command\nusage: caracal", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("help")]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--")]
    [InlineData("--", "help")]
    public async Task Help_is_on_stdout(params string[] words)
    {
        using var cli = new Running();

        var (exit, output, error) = await cli.RunAsync(words);

        Assert.Equal((0, ""), (exit, error));
        Assert.Matches("(?m)^STACK$", output);
        Assert.Matches("(?m)^  up             \\S", output);
    }

    [Theory]
    [InlineData("help")]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Every_command_explains_itself_before_it_reads_anything(string word)
    {
        using var cli = new Running(("CARACAL_MODE", "nonsense"));

        foreach (var command in CommandTable.All)
        {
            var (exit, output, _) = await cli.RunAsync(command.Name, word);
            Assert.Equal(0, exit);
            Assert.Contains($"usage: caracal {command.Name}", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Command_names_are_distinct_and_well_formed()
    {
        Assert.All(CommandTable.All, command => Assert.Matches("^[a-z][a-z0-9-]{0,31}$", command.Name));
        Assert.Equal(CommandTable.All.Count, CommandTable.All.Select(command => command.Name).Distinct().Count());
    }

    [Fact]
    public async Task Version_is_four_lines_or_one_line_of_json_with_four_keys()
    {
        using var cli = new Running();

        var text = await cli.RunAsync("version");
        var json = await cli.RunAsync("--version", "--json");

        Assert.Matches("^Caracal\n  binary   caracal\n  version  \\S+\n  mode     dev\n  sha      \\S+\n$", text.Output);
        Assert.Single(json.Output.TrimEnd('\n').Split('\n'));
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal(["binary", "version", "mode", "sha"], document.RootElement.EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public void Flags_take_a_value_an_equals_sign_or_nothing()
    {
        var arguments = Arguments.Parse(["verify", "--json", "--data", "x", "--role=sts,api", "--yes", "true", "-v"]);

        Assert.Equal(["verify", "-v"], arguments.Operands);
        Assert.Equal("x", arguments.Value("data"));
        Assert.Equal("sts,api", arguments.Value("role"));
        Assert.True(arguments.IsOn("json") && arguments.IsOn("yes"));
        Assert.False(Arguments.Parse(["--json", "no"]).IsOn("json"));
    }

    [Theory]
    [InlineData("status", "--jsn")]
    [InlineData("up", "--fast")]
    [InlineData("down", "everything")]
    [InlineData("audit", "forge")]
    public async Task A_typing_error_is_refused(params string[] words)
    {
        using var cli = new Running();

        var (exit, _, error) = await cli.RunAsync(words);

        Assert.Equal(1, exit);
        Assert.StartsWith("✗ ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x Bearer abc.def y eyJhbGciOi.J9", "x *** y ***")]
    [InlineData("postgres://caracal:hunter2@db/caracal", "postgres://caracal:***@db/caracal")]
    [InlineData("key 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff.", "key ***.")]
    [InlineData("cat_abcdefghijklmnopqrstuvwxyz ws_abcdefghijklmnopqrst", "*** ***")]
    [InlineData("nothing to hide", "nothing to hide")]
    public void Secrets_never_reach_a_terminal(string text, string shown) => Assert.Equal(shown, Scrubber.Scrub(text));

    [Theory]
    [InlineData("1.0.0+0123456789", "", "1.0.0-dev.sha0123456", "dev", "0123456")]
    [InlineData("1.0.0", null, "1.0.0-dev.shalocal", "dev", "local")]
    [InlineData("1.0.0+0123456789", "1.2.0-rc.1", "1.2.0-rc.1", "rc", "0123456")]
    [InlineData("1.0.0+0123456789", "1.2.0", "1.2.0", "stable", "0123456")]
    public void A_binary_knows_what_it_is(string stamp, string? release, string version, string mode, string sha) =>
        Assert.Equal(new BuildInfo(version, mode, sha), BuildInfo.From(stamp, release));

    [Fact]
    public void Tables_pad_their_columns_and_show_a_dash_for_nothing()
    {
        using var output = new StringWriter();
        new Terminal(output, TextWriter.Null).Table(["a", "long"], [["1", null], ["22", "x"]]);

        Assert.Equal("a   long\n--  ----\n1   -\n22  x\n", output.ToString());
        Assert.DoesNotMatch(new Regex("[ \t]\n"), output.ToString());
    }
}
