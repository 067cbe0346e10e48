using System.Text.Json;

namespace Caracal.EndToEnd;

public sealed class LifecycleTests
{
    [Fact]
    public async Task Up_starts_once_status_sees_it_and_down_ends_it()
    {
        using var caracal = new CaracalCommand().WithFreePorts();

        var up = await caracal.RunAsync("up");
        Assert.True(up.Exit == 0, up.Output + up.Error);
        Assert.StartsWith("caracal mode: dev (embedded stack)\n", up.Output, StringComparison.Ordinal);
        Assert.Contains("runtime services ready", up.Output, StringComparison.Ordinal);
        try
        {
            var again = await caracal.RunAsync("up");
            Assert.Equal(0, again.Exit);
            Assert.Contains("already running", again.Output, StringComparison.Ordinal);

            var status = await caracal.RunAsync("status", "--ready", "--json");
            using var services = JsonDocument.Parse(status.Output);
            Assert.Equal(0, status.Exit);
            Assert.Equal(
                ["api", "sts", "gateway", "audit", "coordinator"],
                services.RootElement.GetProperty("services").EnumerateArray().Select(service => service.GetProperty("name").GetString()));
            AssertOwnerOnly(caracal);
        }
        finally
        {
            var down = await caracal.RunAsync("down");
            Assert.True(down.Exit == 0, down.Output + down.Error);
        }

        Assert.Equal(1, (await caracal.RunAsync("status")).Exit);
        Assert.Contains("no stack is running", (await caracal.RunAsync("down")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await caracal.RunAsync("audit", "verify")).Exit);
    }

    [Fact]
    public async Task A_restore_stops_a_running_stack_when_told_so_starts_it_again_and_asks_the_doctor()
    {
        using var caracal = new CaracalCommand().WithFreePorts();
        var up = await caracal.RunAsync("up");
        Assert.True(up.Exit == 0, up.Output + up.Error);
        try
        {
            var backup = await caracal.RunAsync("backup");
            Assert.True(backup.Exit == 0, backup.Output + backup.Error);
            var bundle = Directory.GetFiles(Path.Combine(caracal.Home, "backups")).Single(file => Path.GetFileName(file).StartsWith("caracalBackup-", StringComparison.Ordinal));
            Assert.Contains("or add --yes", (await caracal.RunAsync("restore", bundle, "--confirm")).Error, StringComparison.Ordinal);
            Assert.Contains("does not look into --data", (await caracal.RunAsync("restore", bundle, "--confirm", "--yes", "--data", caracal.Folder)).Error, StringComparison.Ordinal);
            Assert.Contains("--replace keeps it aside", (await caracal.RunAsync("restore", bundle, "--confirm", "--yes")).Error, StringComparison.Ordinal);
            Assert.Equal(0, (await caracal.RunAsync("status", "--ready")).Exit); // nothing of that stopped it

            var (exit, output, error) = await caracal.RunAsync("restore", bundle, "--confirm", "--replace", "--yes");

            Assert.True(exit == 0, output + error);
            Assert.Matches("(?s)stopped \\(pid [0-9]+\\).*ended: .*runtime services ready.*readiness.*preflight", output);
            Assert.Single(Directory.GetFiles(Path.Combine(caracal.Home, "data"), "caracal.db.before-restore-*"));
            Assert.Equal(0, (await caracal.RunAsync("status", "--ready")).Exit);

            // Where nothing runs, --start is enough.
            Assert.Equal(0, (await caracal.RunAsync("down")).Exit);
            var started = await caracal.RunAsync("restore", bundle, "--confirm", "--replace", "--start");
            Assert.True(started.Exit == 0, started.Output + started.Error);
            Assert.Equal(0, (await caracal.RunAsync("status", "--ready")).Exit);
        }
        finally
        {
            Assert.Equal(0, (await caracal.RunAsync("down")).Exit);
        }
    }

    [Fact]
    public async Task The_demo_ends_with_every_outcome_as_expected()
    {
        using var caracal = new CaracalCommand();

        var (exit, output, error) = await caracal.RunAsync("demo");

        Assert.True(exit == 0, output + error);
        Assert.Contains("delegation_scope_exceeded", output, StringComparison.Ordinal);
        Assert.Contains("content_mismatch at sequence", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_benchmark_ends_with_one_object_on_one_line()
    {
        using var caracal = new CaracalCommand();

        var (exit, output, error) = await caracal.RunAsync("bench", "governed", "--callers", "2", "--seconds", "1", "--warmup", "1", "--json");

        Assert.True(exit == 0, output + error);
        using var result = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]);
        Assert.Equal(
            ["calls_per_second", "p50_ms", "p99_ms", "errors", "cpu_us_per_call", "rss_mb"],
            result.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(0, result.RootElement.GetProperty("errors").GetInt64());
        Assert.True(result.RootElement.GetProperty("calls_per_second").GetDouble() > 0);
    }

    private static void AssertOwnerOnly(CaracalCommand caracal)
    {
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode others = (UnixFileMode)0b000_111_111;
        string[] files =
        [
            "stack.json", "caracal.env", "data", "data/caracal.db", "dev-secrets", "dev-secrets/zoneKek", "logs", "logs/stack.log",
            "data/journal/sts", "data/journal/gateway",
        ];
        foreach (var file in files) Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(caracal.Home, file)) & others);
    }
}
