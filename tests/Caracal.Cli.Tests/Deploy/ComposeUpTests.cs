using System.Text.Json;

namespace Caracal.Cli.Tests.Deploy;

/// <summary><c>caracal up --compose</c> and <c>down</c> after it, with an engine that writes down what it is told.</summary>
public sealed class ComposeUpTests
{
    private const string Engine =
        """
        #!/bin/sh
        echo "$*" >>"$HOME/docker.log"
        env >"$HOME/docker.env"
        ! echo "$*" | grep -qE "$(cat "$HOME/fails")" || exit 17
        """;

    [Fact]
    [Trait("requirement", "R42")]
    public async Task Makes_missing_secrets_starts_the_containers_waits_and_ends_them_again()
    {
        using var running = New(out var file);
        running.Set("CARACAL_IMAGE", "caracal-server:v1.2.3");
        running.Set("CARACAL_ADMIN_TOKEN", "a-token-of-the-operator");
        var (exit, output, error) = await running.RunAsync("up", "--compose", "--file", file);
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains("runtime services ready", output, StringComparison.Ordinal);
        Assert.Equal(["compose version", "info", $"compose -f {file} up -d --remove-orphans --wait --wait-timeout 120"], Told(running));
        var seen = File.ReadAllLines(Path.Combine(running.Home, "docker.env"));
        Assert.Contains("CARACAL_IMAGE=caracal-server:v1.2.3", seen);
        Assert.DoesNotContain(seen, line => line.Contains("a-token-of-the-operator", StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(running.Home, "compose", "secrets", "operator", "zoneKek")));
        using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(running.Home, "runtime.json")));
        Assert.Equal("compose", record.RootElement.GetProperty("stack").GetString());

        running.Write("compose/prepare.sh", "#!/bin/sh\nexit 3\n", (UnixFileMode)0b111_000_000);
        Assert.Equal(0, (await running.RunAsync("up", "--compose", "--file", file, "sts")).Exit); // what is there is not made again
        Assert.EndsWith(" --wait-timeout 120 sts", Told(running)[^1], StringComparison.Ordinal);

        Assert.Equal(0, (await running.RunAsync("down")).Exit);
        Assert.Equal($"compose -f {file} down", Told(running)[^1]);
        Assert.Equal(0, (await running.RunAsync("down", "-v", "--yes")).Exit);
        Assert.Equal($"compose -f {file} down -v", Told(running)[^1]);
    }

    [Fact]
    public async Task Takes_an_overlay_beside_the_file()
    {
        using var running = New(out var file);
        var edge = running.Write("compose/compose.edge.yaml", "");
        Assert.Equal(0, (await running.RunAsync("up", "--compose", "--file", file, "--file", edge)).Exit);
        Assert.StartsWith($"compose -f {file} -f {edge} up ", Told(running)[^1], StringComparison.Ordinal);
        Assert.Equal(0, (await running.RunAsync("down")).Exit);
        Assert.Equal($"compose -f {file} -f {edge} down", Told(running)[^1]);
    }

    [Theory]
    [InlineData("^compose version", "docker compose is not available")]
    [InlineData("^info", "docker daemon is not reachable")]
    public async Task Says_what_is_missing_and_makes_nothing(string fails, string says)
    {
        using var running = New(out var file);
        running.Write("fails", fails);
        var (exit, _, error) = await running.RunAsync("up", "--compose", "--file", file);
        Assert.Equal(1, exit);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(running.Home, "compose", "secrets")));
        Assert.False(File.Exists(Path.Combine(running.Home, "runtime.json")));

        running.Set("PATH", Path.Combine(running.Home, "empty"));
        var without = await running.RunAsync("up", "--compose", "--file", file);
        Assert.Equal(127, without.Exit);
        Assert.Contains("docker: not found", without.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_start_is_the_engines_and_names_who_is_not_ready()
    {
        using var running = New(out var file);
        running.Write("fails", " (up|gateway) ");
        var (exit, output, error) = await running.RunAsync("up", "--compose", "--file", file);
        Assert.Equal(17, exit);
        Assert.Equal("✗ gateway is not ready\n", error);
        Assert.DoesNotContain("ready", output, StringComparison.Ordinal);
        Assert.Contains($"compose -f {file} exec -T sts /app/caracal healthcheck sts", Told(running));
    }

    [Fact]
    public async Task Refuses_another_mode_an_unknown_flag_and_a_file_that_is_not_there()
    {
        using var running = New(out var file);
        Assert.Contains("there is no ", (await running.RunAsync("up", "--compose", "--file", file + ".gone")).Error, StringComparison.Ordinal);
        Assert.Contains("unknown flag --fast", (await running.RunAsync("up", "--compose", "--fast")).Error, StringComparison.Ordinal);
        Assert.Contains("unknown flag --file", (await running.RunAsync("up", "--file", file)).Error, StringComparison.Ordinal);
        running.Set("CARACAL_MODE", "dev");
        Assert.Contains("the packaged containers run in stable", (await running.RunAsync("up", "--compose", "--file", file)).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(running.Home, "docker.log")));
    }

    private static Running New(out string file)
    {
        var running = new Running();
        var folder = Directory.CreateDirectory(Path.Combine(running.Home, "compose")).FullName;
        foreach (var name in (string[])["compose.yaml", "prepare.sh"]) File.Copy(Path.Combine(Yaml.Deploy, "compose", name), Path.Combine(folder, name));
        var bin = Directory.CreateDirectory(Path.Combine(running.Home, "bin")).FullName;
        running.Write("bin/docker", Engine, (UnixFileMode)0b111_000_000);
        running.Write("fails", "^nothing$");
        running.Set("PATH", $"{bin}:{System.Environment.GetEnvironmentVariable("PATH")}");
        file = Path.Combine(folder, "compose.yaml");
        return running;
    }

    private static string[] Told(Running running) => File.ReadAllLines(Path.Combine(running.Home, "docker.log"));
}
