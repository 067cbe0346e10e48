using System.Diagnostics;
using Caracal.Storage.Sqlite;
using Dapper;

namespace Caracal.EndToEnd;

public sealed class CrashTests
{
    [Fact]
    public async Task A_stack_killed_under_load_keeps_the_evidence_of_every_answer_and_an_unbroken_chain()
    {
        using var caracal = new CaracalCommand();
        var record = Path.Combine(caracal.Folder, "answered");

        await KillUnderLoadAsync(caracal, record);
        var answered = File.ReadAllLines(record);
        Assert.True(answered.Length > 100, $"only {answered.Length} calls were answered before the kill");
        await DrainJournalsAsync(caracal);

        var (exit, output, error) = await caracal.With("CARACAL_SECRETS_DIR", Path.Combine(caracal.Home, "secrets")).RunAsync("audit", "verify");
        Assert.True(exit == 0, output + error);
        Assert.Empty(answered.Except(await RecordedRequestsAsync(caracal)));
    }

    // The benchmark drives; we pull the plug on the stack's process once enough calls were answered.
    private static async Task KillUnderLoadAsync(CaracalCommand caracal, string record)
    {
        using var bench = caracal.Start("bench", "governed", "--callers", "4", "--warmup", "0", "--seconds", "30", "--record", record, "--home", caracal.Home);
        var pid = 0;
        while (await bench.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split("stack pid ") is [_, var rest])
            {
                pid = int.Parse(rest.Split(',')[0]);
                break;
            }
        }

        Assert.NotEqual(0, pid);
        while (!File.Exists(record) || new FileInfo(record).Length < 400 * 37)
        {
            Assert.False(bench.HasExited, "the benchmark ended before enough calls were answered");
            await Task.Yield();
        }

        using (var stack = Process.GetProcessById(pid)) stack.Kill(); // SIGKILL: no handler runs, nothing is flushed.
        bench.Kill();
        await bench.WaitForExitAsync();
    }

    // The next start ships what the killed process had journaled; stopping in order waits for that.
    private static async Task DrainJournalsAsync(CaracalCommand caracal)
    {
        caracal.WithFreePorts().With("CARACAL_MODE", "dev").With("CARACAL_DEV_SECRETS_DIR", Path.Combine(caracal.Home, "secrets"));
        var up = await caracal.RunAsync("up");
        Assert.True(up.Exit == 0, up.Output + up.Error);
        var down = await caracal.RunAsync("down");
        Assert.True(down.Exit == 0, down.Output + down.Error);
    }

    private static async Task<HashSet<string>> RecordedRequestsAsync(CaracalCommand caracal)
    {
        await using var database = new SqliteDatabase(caracal.Database, TimeProvider.System);
        return [.. await database.ReadAsync(connection => connection.QueryAsync<string>("SELECT DISTINCT request_id FROM audit_events"))];
    }
}
