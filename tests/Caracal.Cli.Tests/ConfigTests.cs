using System.Runtime.Versioning;

namespace Caracal.Cli.Tests;

/// <summary>cli.md 8: the profile.</summary>
[SupportedOSPlatform("linux")]
public sealed class ConfigTests
{
    [Fact]
    [Trait("requirement", "R123")]
    public async Task Init_writes_an_owner_only_profile_that_check_accepts_until_others_may_write_it()
    {
        using var caracal = new Running();
        caracal.Set("CARACAL_CONFIG_HOME", Path.Combine(caracal.Home, "config"));
        var secret = caracal.Write("secret", "cs_a-secret-of-the-tests");
        string[] init = ["config", "init", "--zone", "z1", "--application", "app1", "--resource", "resource://pipernet=https://api.pipernet.example/v1", "--resource", "resource://plain", "--secret-file", secret];
        Assert.Equal(0, (await caracal.RunAsync(init)).Exit);
        var profile = Path.Combine(caracal.Home, "config", "caracal.toml");
        Assert.Equal(profile + "\n", (await caracal.RunAsync("config", "path")).Output);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(profile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(profile)!));
        Assert.DoesNotContain("cs_a-secret", await File.ReadAllTextAsync(profile), StringComparison.Ordinal);
        Assert.Equal(0, (await caracal.RunAsync("config", "check")).Exit);

        Assert.Equal(1, (await caracal.RunAsync(init)).Exit); // never over one that is there
        Assert.Equal(0, (await caracal.RunAsync([.. init, "--force", "--inline"])).Exit);
        Assert.Contains("app_client_secret = \"cs_a-secret", await File.ReadAllTextAsync(profile), StringComparison.Ordinal);
        File.SetUnixFileMode(profile, (UnixFileMode)0b110_100_100);
        Assert.Contains("too broad", (await caracal.RunAsync("config", "check")).Error, StringComparison.Ordinal);
        File.SetUnixFileMode(profile, (UnixFileMode)0b110_110_110);
        Assert.Equal(1, (await caracal.RunAsync("config", "check")).Exit);
    }

    [Fact]
    public async Task Explain_says_which_of_two_sources_won()
    {
        using var caracal = new Running(("CARACAL_GATEWAY_URL", "http://127.0.0.1:9"));
        var profile = caracal.Write("caracal.toml", "zone_id = \"z\"\napplication_id = \"a\"\napp_client_secret = \"cs_hidden\"\ngateway_url = \"http://127.0.0.1:1\"\nsts_url = \"http://127.0.0.1:2\"\n");
        caracal.Set("CARACAL_CONFIG", profile);
        var (exit, output, _) = await caracal.RunAsync("config", "explain", "--json");
        Assert.Equal(0, exit);
        using var settings = System.Text.Json.JsonDocument.Parse(output);
        var from = settings.RootElement.GetProperty("settings").EnumerateArray().ToDictionary(
            item => item.GetProperty("name").GetString()!, item => (item.GetProperty("value").GetString(), item.GetProperty("from").GetString()));
        Assert.Equal(("http://127.0.0.1:9", "CARACAL_GATEWAY_URL"), from["gateway_url"]);
        Assert.Equal(("http://127.0.0.1:2", $"{profile}: sts_url"), from["sts_url"]);
        Assert.Equal(("http://localhost:4000", "default"), from["coordinator_url"]);
        Assert.Equal("***", from["app_client_secret"].Item1);
        Assert.Equal(1, (await caracal.RunAsync("config", "nonsense")).Exit);
    }

    [Fact]
    public async Task Allow_belongs_to_credential_free_runs_and_unknown_flags_are_refused()
    {
        using var caracal = new Running();
        Assert.Contains("--allow belongs to --credential-free", (await caracal.RunAsync("run", "--allow", "r=s", "true")).Error, StringComparison.Ordinal);
        Assert.Contains("unknown flag --credential-fre", (await caracal.RunAsync("run", "--credential-fre", "true")).Error, StringComparison.Ordinal);
    }
}
