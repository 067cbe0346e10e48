using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Tests;

public sealed class EnvironmentTests
{
    private static readonly Terminal Silent = new(TextWriter.Null, TextWriter.Null);

    [Fact]
    public void A_dotenv_of_the_working_directory_is_unset_again()
    {
        using var cli = new Running();
        cli.Write(".env", "CARACAL_STS_URL='http://evil.example'\nCARACAL_OTHER=mine\nPATH=/evil\n");
        var variables = new ProcessVariables(
        [
            new("CARACAL_STS_URL", "http://evil.example"), new("CARACAL_OTHER", "not the file's"), new("PATH", "/evil"),
        ]);

        var scrubbed = OperatorEnvironment.Scrub(variables, cli.Home);

        Assert.Null(scrubbed["CARACAL_STS_URL"]);
        Assert.Equal("not the file's", scrubbed["CARACAL_OTHER"]);
        Assert.Equal("/evil", scrubbed["PATH"]);
    }

    [Fact]
    public void The_operator_file_fills_only_what_is_unset()
    {
        using var cli = new Running(("LOG_LEVEL", "warn"));
        cli.Write("caracal.env", "# comment\nLOG_LEVEL=debug\nTRUST_PROXY=\"true\"\n");

        var loaded = OperatorEnvironment.Load(cli.Variables, Silent);

        Assert.Equal("warn", loaded["LOG_LEVEL"]);
        Assert.Equal("true", loaded["TRUST_PROXY"]);
    }

    [Fact]
    public void An_operator_file_that_shows_a_secret_to_others_is_refused()
    {
        using var cli = new Running();
        cli.Write("caracal.env", "AUDIT_HMAC_KEY=abc\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var refused = Assert.Throws<CommandFailure>(() => OperatorEnvironment.Load(cli.Variables, Silent));

        Assert.Contains("AUDIT_HMAC_KEY", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("abc", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" a b/../c ", "a_b_.._c")]
    [InlineData("///", "default")]
    [InlineData("..", "default")]
    public void A_segment_is_one_safe_name(string text, string segment) => Assert.Equal(segment, CaracalPaths.Segment(text));

    [Fact]
    [Trait("requirement", "R11")]
    [Trait("requirement", "R12")]
    public void Paths_follow_their_order()
    {
        static CaracalPaths Paths(params (string, string?)[] values) =>
            new(new ProcessVariables(values.Select(value => KeyValuePair.Create(value.Item1, value.Item2))));

        Assert.Equal("/srv/caracal", Paths(("CARACAL_HOME", "/srv/caracal"), ("XDG_DATA_HOME", "/x")).Home);
        Assert.Equal("/x/caracal", Paths(("XDG_DATA_HOME", "/x"), ("HOME", "/h")).Home);
        Assert.Equal("/h/.local/share/caracal", Paths(("HOME", "/h")).Home);
        Assert.Equal("/h/.local/share/caracal/dev-secrets", Paths(("HOME", "/h")).DevelopmentSecrets);
        Assert.Equal("/s", Paths(("CARACAL_SECRETS_DIR", "/s"), ("CARACAL_DEV_SECRETS_DIR", "/d")).DevelopmentSecrets);
        Assert.Equal("/h/.config/caracal/caracal.toml", Paths(("HOME", "/h")).Profile);
    }

    [Theory]
    [InlineData("1.0.0-rc.2", "1.0.0-rc.10")]
    [InlineData("1.0.0-rc.10", "1.0.0")]
    [InlineData("1.0.0", "1.0.1")]
    [InlineData("1.9.0", "1.10.0")]
    public void Versions_have_an_order(string older, string newer)
    {
        Assert.True(ReleaseOrder.Compare(older, newer) < 0);
        Assert.True(ReleaseOrder.Compare(newer, older) > 0);
        Assert.Equal(0, ReleaseOrder.Compare(older, older));
    }

    [Fact]
    public async Task A_mode_that_does_not_exist_is_refused()
    {
        using var cli = new Running(("CARACAL_MODE", "prod"));

        var (exit, _, error) = await cli.RunAsync("status");

        Assert.Equal((1, "✗ CARACAL_MODE must be 'dev', 'rc', or 'stable' (got 'prod')\n"), (exit, error));
    }

    [Fact]
    public async Task An_older_binary_refuses_a_newer_home()
    {
        using var cli = new Running();
        cli.Write("runtime.json", """{"version":"99.0.0","updatedAt":"2026-01-01T00:00:00Z","stack":"embedded"}""");

        var (exit, _, error) = await cli.RunAsync("up");

        Assert.Equal(1, exit);
        Assert.Contains($"runtime assets at {cli.Home} belong to Caracal 99.0.0; this binary is ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_of_nothing_is_unreachable()
    {
        using var cli = new Running(
            ("CARACAL_API_URL", "http://127.0.0.1:9"), ("CARACAL_STS_URL", "http://127.0.0.1:9"), ("CARACAL_GATEWAY_URL", "http://127.0.0.1:9"),
            ("CARACAL_AUDIT_URL", "http://127.0.0.1:9"), ("CARACAL_COORDINATOR_URL", "http://127.0.0.1:9"));

        var (exit, output, _) = await cli.RunAsync("status", "--ready", "--json");

        Assert.Equal(1, exit);
        Assert.StartsWith("{\n  \"mode\": \"ready\",\n  \"services\": [\n", output, StringComparison.Ordinal);
        Assert.Contains("\"name\": \"api\"", output, StringComparison.Ordinal);
        Assert.Contains("\"detail\": \"unreachable\"", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"ok":false,"reason":"redis_unreachable","error":"x"}""", "redis_unreachable")]
    [InlineData("""{"error":"rate_limited"}""", "rate_limited")]
    [InlineData("first line\nsecond", "first line")]
    public void A_probe_tells_the_first_reason(string body, string reason) => Assert.Equal(reason, Caracal.Cli.Commands.ServiceProbe.Reason(body));

    [Fact]
    public void A_second_stack_command_is_told_who_holds_the_lock()
    {
        using var cli = new Running();
        var path = Path.Combine(cli.Home, ".lock");
        using var held = StackLock.Take(path);

        var refused = Assert.Throws<CommandFailure>(() => StackLock.Take(path));

        Assert.Contains($"(pid {System.Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_with_one_role_alone_is_refused_until_there_are_shared_stores()
    {
        using var cli = new Running();

        var (exit, _, error) = await cli.RunAsync("serve", "--role", "sts");

        Assert.Equal(78, exit);
        Assert.Contains("DATABASE_URL", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_refuses_a_bad_configuration_with_every_fault_and_78()
    {
        using var cli = new Running(("CARACAL_MODE", "stable"), ("AUDIT_HMAC_KEY", "00"), ("STS__PORT", "x"));

        var (exit, _, error) = await cli.RunAsync("serve");

        Assert.Equal(78, exit);
        Assert.Contains("AUDIT_HMAC_KEY", error, StringComparison.Ordinal);
        Assert.Contains("STREAMS_HMAC_KEY is required", error, StringComparison.Ordinal);
        Assert.Contains("ZONE_KEK is required", error, StringComparison.Ordinal);
        Assert.Contains("PORT must be", error, StringComparison.Ordinal);
    }
}
