using Caracal.Cli.Processes;

namespace Caracal.EndToEnd;

public sealed class SchedulingTests
{
    private const string Normal = "0";
    private const string Batch = "3"; // SCHED_BATCH of sched.h

    [Fact]
    public async Task Threads_that_wait_for_sockets_put_no_worker_aside_and_only_they_are_of_that_class()
    {
        using var caracal = new CaracalCommand().WithFreePorts();
        var up = await caracal.RunAsync("up");
        Assert.True(up.Exit == 0, up.Output + up.Error);
        try
        {
            var pid = StackRecord.Read(Path.Combine(caracal.Home, "stack.json"))!.Pid;
            var threads = Threads(pid);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            while (!threads.Contains((".NET Sockets", Batch)) && !limit.IsCancellationRequested)
            {
                await Task.Delay(20, CancellationToken.None); // A service answers a moment before the last one is up.
                threads = Threads(pid);
            }

            Assert.Contains((".NET Sockets", Batch), threads);
            Assert.All(threads, thread => Assert.Equal((thread.Name, thread.Name == ".NET Sockets" ? Batch : Normal), thread));
        }
        finally
        {
            var down = await caracal.RunAsync("down");
            Assert.True(down.Exit == 0, down.Output + down.Error);
        }
    }

    private static List<(string Name, string Policy)> Threads(int pid) =>
        [.. Directory.GetDirectories($"/proc/{pid}/task").Select(Thread).OfType<(string, string)>()];

    // Name and scheduling policy, proc_pid_stat(5) fields 2 and 41; null for a thread that has just ended.
    private static (string Name, string Policy)? Thread(string folder)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            var end = text.LastIndexOf(')');
            return (text[(text.IndexOf('(', StringComparison.Ordinal) + 1)..end], text[(end + 2)..].Split(' ')[41 - 3]);
        }
        catch (Exception fault) when (fault is IOException)
        {
            return null;
        }
    }
}
