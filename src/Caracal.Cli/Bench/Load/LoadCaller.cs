using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Caracal.Cli.Bench.Load;

/// <summary>Makes one call after the other, each as soon as the one before is answered, over a connection per service.</summary>
internal sealed class LoadCaller(LoadLoop loop, CallScript script, LoadTally tally)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(10); // A stack that is gone must not be hammered.

    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(60);

    private readonly KeptConnection?[] connections = new KeptConnection?[script.Services.Count];
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int step;
    private long start;
    private bool counted;
    private bool stopping;

    /// <summary>Begins the first call.</summary>
    public void Begin()
    {
        start = Stopwatch.GetTimestamp();
        counted = tally.Measuring;
        step = 0;
        Send(default);
    }

    /// <summary>Lets the calls that are under way come to their end; no other begins.</summary>
    /// <exception cref="TimeoutException">One got no answer.</exception>
    public static Task StopAllAsync(IEnumerable<LoadCaller> callers, CancellationToken stop) =>
        Task.WhenAll(callers.Select(caller => caller.StopAsync())).WaitAsync(LongestCall, stop);

    private Task StopAsync()
    {
        loop.Post(() => stopping = true);
        return stopped.Task;
    }

    private void Send(ReadOnlySpan<byte> answer)
    {
        try
        {
            (connections[step] ??= Connect(step)).Send(script.Request(step, answer));
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            Fail(fault.Message);
        }
    }

    private KeptConnection Connect(int to)
    {
        var connection = KeptConnection.To(script.Services[to]);
        loop.Watch(connection.Socket, () => Receive(connection));
        return connection;
    }

    private void Receive(KeptConnection connection)
    {
        try
        {
            if (!connection.TryReceive(out var answer)) return;
            if (connection != connections[step]) throw new IOException("an answer that nobody asked for");
            Take(answer);
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            // A service may close what waits for its turn: the next request there opens another.
            if (connection == connections[step]) Fail(fault.Message);
            else Drop(Array.IndexOf(connections, connection));
        }
    }

    private void Take(HttpMessage answer)
    {
        if (answer.Status is < 200 or > 299 || answer.Body.IsEmpty)
        {
            Fail($"{script.Services[step]}: {answer.Status} {Encoding.UTF8.GetString(answer.Body)}");
            return;
        }

        tally.Answered(answer.RequestId);
        if (++step < connections.Length)
        {
            Send(answer.Body);
            return;
        }

        if (counted) tally.Finished(start);
        Next();
    }

    private void Fail(string reason)
    {
        Disconnect();
        if (!stopping) tally.Failed(reason);
        loop.Later(RetryDelay, Next);
    }

    private void Next()
    {
        if (!stopping)
        {
            Begin();
            return;
        }

        Disconnect();
        stopped.TrySetResult();
    }

    private void Disconnect()
    {
        for (var i = 0; i < connections.Length; i++) Drop(i);
    }

    private void Drop(int at)
    {
        if (connections[at] is not { } connection) return;
        loop.Forget(connection.Socket);
        connection.Dispose();
        connections[at] = null;
    }
}
