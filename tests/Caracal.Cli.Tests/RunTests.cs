using Caracal.Cli.Run;

namespace Caracal.Cli.Tests;

/// <summary>cli.md 6 and its black-box checks 3 to 12.</summary>
public sealed class RunTests
{
    private const string One = """{"env":"OPENAI_API_KEY","resource":"resource://llm","scopes":["chat"]}""";
    private const string Two = """{"env":"SECOND","resource":"resource://second"}""";

    [Fact]
    public async Task No_command_is_bad_usage_and_help_is_not()
    {
        using var caracal = new Running();
        var nothing = await caracal.RunAsync("run");
        Assert.Equal((1, ""), (nothing.Exit, nothing.Output));
        Assert.Contains("usage: caracal run", nothing.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await caracal.RunAsync("run", "--")).Exit);
        Assert.Equal(0, (await caracal.RunAsync("run", "--help")).Exit);
    }

    [Fact]
    public async Task Refuses_two_secrets_a_missing_identity_and_a_secret_given_as_a_path()
    {
        using var caracal = new Running();
        Assert.Contains("workload identity not found", (await caracal.RunAsync("run", "true")).Error, StringComparison.Ordinal);
        caracal.Set("CARACAL_WORKLOAD_ID", "wl1");
        caracal.Set("CARACAL_WORKLOAD_SECRET", "ws_a");
        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", "/nowhere");
        var both = await caracal.RunAsync("run", "true");
        Assert.Equal(1, both.Exit);
        Assert.Contains("CARACAL_WORKLOAD_SECRET and CARACAL_WORKLOAD_SECRET_FILE", both.Error, StringComparison.Ordinal);
        caracal.Set("CARACAL_WORKLOAD_SECRET", null);
        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", "ws_pastedsecret");
        Assert.Contains("holds a secret, not a path", (await caracal.RunAsync("run", "true")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_file_must_be_owner_only_and_stay_in_its_folder()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        using var caracal = Launching(sts, secret: null);
        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", caracal.Write("open", "ws_x", (UnixFileMode)0b110_100_100));
        var open = await caracal.RunAsync("run", "true");
        Assert.Equal(1, open.Exit);
        Assert.Contains("permissions are too broad", open.Error, StringComparison.Ordinal);

        var folder = Directory.CreateDirectory(Path.Combine(caracal.Home, "inner")).FullName;
        File.CreateSymbolicLink(Path.Combine(folder, "link"), caracal.Write("elsewhere", "ws_x"));
        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", Path.Combine(folder, "link"));
        Assert.Contains("link that leaves its folder", (await caracal.RunAsync("run", "true")).Error, StringComparison.Ordinal);

        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", caracal.Write("empty", "\n"));
        Assert.Contains("is empty", (await caracal.RunAsync("run", "true")).Error, StringComparison.Ordinal);
        Assert.Empty(sts.Calls);

        caracal.Set("CARACAL_WORKLOAD_SECRET_FILE", caracal.Write("closed", "ws_secret\n"));
        Assert.Equal(0, (await caracal.RunAsync("run", "true")).Exit);
        Assert.Equal("ws_secret", sts.Calls[0].Form["secret"]);
    }

    [Fact]
    public async Task The_default_secret_file_serves_development_only()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        using var caracal = Launching(sts, secret: null);
        caracal.Set("XDG_CONFIG_HOME", caracal.Home);
        Directory.CreateDirectory(Path.Combine(caracal.Home, "caracal", "runtime", "wl1"));
        caracal.Write("caracal/runtime/wl1/secret", "ws_secret");
        Assert.Equal(0, (await caracal.RunAsync("run", "true")).Exit);
        caracal.Set("CARACAL_ENV", "production");
        Assert.Equal(1, (await caracal.RunAsync("run", "true")).Exit);
    }

    [Theory]
    [InlineData("ld_preload", "blocked")]
    [InlineData("CARACAL_ADMIN_TOKEN", "blocked")]
    [InlineData("DOTNET_STARTUP_HOOKS", "blocked")]
    [InlineData("PATH", "blocked")]
    [InlineData("A-B", "invalid")]
    [InlineData("1A", "invalid")]
    [InlineData("OPENAI_API_KEY", "duplicate")]
    public async Task A_name_that_reaches_into_the_child_is_refused_before_any_credential_is_asked_for(string name, string problem)
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One, $$"""{"env":"{{name}}","resource":"r"}"""));
        using var caracal = Launching(sts);
        var (exit, _, error) = await caracal.RunAsync("run", "true");
        Assert.Equal(1, exit);
        Assert.Contains($"{problem} credential env '{name}'", error, StringComparison.Ordinal);
        Assert.Single(sts.Calls);
    }

    [Theory]
    [InlineData("""{"zone_id":"z","workload_id":"w","bindings":[]}""")]
    [InlineData("""{"workload_id":"w","bindings":[{"env":"A","resource":"r"}]}""")]
    [InlineData("""{"zone_id":"z","workload_id":"w","bindings":[{"env":"A"}]}""")]
    [InlineData("""{"zone_id":"z","workload_id":"w","bindings":[{"env":"A","resource":"r","scopes":[""]}]}""")]
    [InlineData("""{"zone_id":"z","workload_id":"w","bindings":[{"env":"A","resource":"r","on_failure":"ignore"}]}""")]
    [InlineData("[]")]
    [InlineData("no json")]
    public async Task A_manifest_that_is_none_starts_nothing(string manifest)
    {
        await using var sts = await FakeSts.StartAsync(manifest);
        using var caracal = Launching(sts);
        var marker = Path.Combine(caracal.Home, "ran");
        Assert.Equal(1, (await caracal.RunAsync("run", "touch", marker)).Exit);
        Assert.False(File.Exists(marker));
        Assert.Single(sts.Calls);
    }

    [Fact]
    public async Task A_required_credential_that_is_refused_starts_nothing_and_an_optional_one_is_left_out()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One, Two));
        sts.Credential = form => form["env"] == "SECOND"
            ? (403, """{"error":"access_denied","error_description":"policy denied","requestId":"r-1"}""")
            : (200, """{"env":"OPENAI_API_KEY","credential":"v"}""");
        using var caracal = Launching(sts);
        var marker = Path.Combine(caracal.Home, "ran");
        var (exit, _, error) = await caracal.RunAsync("run", "touch", marker);
        Assert.Equal(1, exit);
        Assert.False(File.Exists(marker));
        Assert.StartsWith("""{"resource":"resource://second","reason":"access_denied","requestId":"r-1"}""", error, StringComparison.Ordinal);

        // optional alone is not enough: the failure policy must say warn
        sts.Manifest = FakeSts.Bindings(One, """{"env":"SECOND","resource":"resource://second","optional":true}""");
        Assert.Equal(1, (await caracal.RunAsync("run", "touch", marker)).Exit);
        sts.Manifest = FakeSts.Bindings(One, """{"env":"SECOND","resource":"resource://second","optional":true,"on_failure":"warn"}""");
        var skipped = await caracal.RunAsync("run", "sh", "-c", $"env > {marker}");
        Assert.Equal(0, skipped.Exit);
        Assert.Contains("optional credential skipped resource=resource://second reason=policy denied", skipped.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("SECOND", await File.ReadAllTextAsync(marker), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_for_another_variable_is_refused()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        sts.Credential = _ => (200, """{"env":"PATH","credential":"v"}""");
        using var caracal = Launching(sts);
        Assert.Equal(1, (await caracal.RunAsync("run", "true")).Exit);
    }

    [Fact]
    [Trait("requirement", "R14")]
    public async Task The_child_sees_its_credentials_and_nothing_that_opens_anything_else()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One, Two));
        using var caracal = Launching(sts);
        foreach (var (name, value) in ((string, string)[])[("CARACAL_ADMIN_TOKEN", "admin"), ("DOCKER_HOST", "tcp://x"), ("AWS_SECRET_ACCESS_KEY", "aws"),
            ("CARACAL_ENV", "development"), ("LC_ALL", "C.UTF-8"), ("WANTED", "yes"), ("CARACAL_RUN_PASS_ENV", "WANTED,CARACAL_ADMIN_TOKEN,DATABASE_URL,LD_PRELOAD"), ("DATABASE_URL", "postgres://")])
        {
            caracal.Set(name, value);
        }

        var dump = Path.Combine(caracal.Home, "dump");
        Assert.Equal(0, (await caracal.RunAsync("run", "--", "sh", "-c", $"env > {dump}")).Exit);
        var seen = (await File.ReadAllLinesAsync(dump)).Where(line => line.Contains('=', StringComparison.Ordinal))
            .ToDictionary(line => line[..line.IndexOf('=', StringComparison.Ordinal)], line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        Assert.Equal("value-of-OPENAI_API_KEY", seen["OPENAI_API_KEY"]);
        Assert.Equal("1700000000", seen["OPENAI_API_KEY_EXPIRES_AT"]);
        Assert.Equal(("yes", "C.UTF-8"), (seen["WANTED"], seen["LC_ALL"]));
        Assert.Equal(["CARACAL_ENV"], seen.Keys.Where(name => name.StartsWith("CARACAL_", StringComparison.Ordinal)));
        Assert.Empty(seen.Keys.Intersect(["DOCKER_HOST", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "LD_PRELOAD"]));
        Assert.Single(sts.Calls.Select(call => call.LaunchId).Distinct());
        Assert.True(Guid.TryParse(sts.Calls[0].LaunchId, out _));
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("kill -TERM $$", 143)]
    public async Task The_end_of_the_child_is_ours(string script, int code)
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        using var caracal = Launching(sts);
        Assert.Equal(code, (await caracal.RunAsync("run", "sh", "-c", script)).Exit);
    }

    [Fact]
    public async Task A_program_that_is_not_on_the_path_is_not_found_even_if_it_lies_in_the_working_directory()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        using var caracal = Launching(sts);
        var (exit, _, error) = await caracal.RunAsync("run", "no-such-cmd");
        Assert.Equal(127, exit);
        Assert.Contains("failed to start no-such-cmd: not found", error, StringComparison.Ordinal);
        // Beside the test's own executable, where the runtime would have looked first.
        Assert.Equal(127, (await caracal.RunAsync("run", "Caracal.Cli.Tests")).Exit);
    }

    [Fact]
    public async Task An_approval_is_waited_for_visibly_and_presented_once()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        var end = DateTimeOffset.UtcNow.AddMinutes(5).ToString("O");
        sts.Credential = form => form.ContainsKey("approval_id")
            ? (200, """{"env":"OPENAI_API_KEY","credential":"v"}""")
            : (401, $$"""{"error":"interaction_required","approval_id":"ap1","binding":"b1","approval_expires_at":"{{end}}","state":"pending"}""");
        foreach (var state in (string[])["pending", "503", "approved"]) sts.Approval.Enqueue(state);
        using var caracal = Launching(sts);
        var (exit, _, error) = await caracal.RunAsync("run", "true");
        Assert.Equal(0, exit);
        Assert.StartsWith($$"""{"resource":"resource://llm","approval_id":"ap1","binding":"b1","expires_at":"{{end.Replace("+", "\\u002B", StringComparison.Ordinal)}}","reason":"approval_required"}""", error, StringComparison.Ordinal);
        Assert.Contains("waiting up to", error, StringComparison.Ordinal);
        var credentials = sts.Calls.Where(call => call.Path == "/v1/run/credential").ToList();
        Assert.Equal([null, "ap1"], credentials.Select(call => call.Form.GetValueOrDefault("approval_id")));
        Assert.Single(credentials.Select(call => call.LaunchId).Distinct());
    }

    [Theory]
    [InlineData("rejected")]
    [InlineData("expired")]
    [InlineData("consumed")]
    public async Task Any_other_decision_starts_nothing(string state)
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        sts.Credential = _ => (401, """{"error":"interaction_required","approval_id":"ap1","binding":"b1"}""");
        sts.Approval.Enqueue(state);
        using var caracal = Launching(sts);
        var (exit, _, error) = await caracal.RunAsync("run", "true");
        Assert.Equal(1, exit);
        Assert.Contains($"approval_{state}", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R14")]
    public async Task A_workspace_with_operator_secrets_launches_nothing_unless_told_so()
    {
        await using var sts = await FakeSts.StartAsync(FakeSts.Bindings(One));
        using var caracal = Launching(sts);
        caracal.Set("CARACAL_REPO_ROOT", Directory.CreateDirectory(Path.Combine(caracal.Home, "repo", "deploy")).Parent!.FullName);
        Assert.Equal(0, (await caracal.RunAsync("run", "true")).Exit);
        caracal.Write("repo/deploy/caracalAdminToken", "x");
        var (exit, _, error) = await caracal.RunAsync("run", "true");
        Assert.Equal(1, exit);
        Assert.Contains("workspace operator secrets are present", error, StringComparison.Ordinal);
        caracal.Set("CARACAL_RUN_ALLOW_WORKSPACE_SECRETS", "true");
        Assert.Equal(0, (await caracal.RunAsync("run", "true")).Exit);
    }

    [Fact]
    public void Every_blocked_name_is_blocked_in_any_case()
    {
        Assert.Equal("blocked credential env 'Bash_Env'", CredentialNames.Problem(["Bash_Env"]));
        Assert.Equal("invalid credential env 'A\n'", CredentialNames.Problem(["A\n"]));
        Assert.Null(CredentialNames.Problem(["_OK", "OPENAI_API_KEY"]));
    }

    private static Running Launching(FakeSts sts, string? secret = "ws_secret")
    {
        var caracal = new Running(
            ("CARACAL_WORKLOAD_ID", "wl1"), ("CARACAL_WORKLOAD_SECRET", secret), ("CARACAL_STS_URL", sts.Url), ("PATH", System.Environment.GetEnvironmentVariable("PATH")),
            ("CARACAL_REPO_ROOT", Path.GetTempPath()), ("CARACAL_MODE", "stable"));
        caracal.Set("CARACAL_REPO_ROOT", caracal.Home);
        return caracal;
    }
}
