using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Load;

/// <summary>All callers and their upstream on one thread, which waits for all their connections at once.</summary>
/// <remarks>
/// What is measured shares two cores with whoever measures. A general client and server took a third of the machine, woke a
/// thread for every answer and put the measured process aside to do so; this thread takes a twentieth, and while it runs nobody has to wake it.
/// </remarks>
internal sealed class LoadLoop : IDisposable
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {LoopbackUpstream.Document.Length}\r\n\r\n{LoopbackUpstream.Document}");

    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(10);

    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentQueue<Action> posted = new();
    private readonly Dictionary<Socket, Action> watched = [];
    private readonly PriorityQueue<Action, long> later = new();
    private readonly List<Socket> ready = [];
    private readonly Thread thread;
    private volatile bool ending;

    public LoadLoop()
    {
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(512);
        Watch(listener, Accept);
        thread = new Thread(Run) { IsBackground = true, Name = "load" };
        thread.Start();
    }

    /// <summary>Answers every request with a small JSON document.</summary>
    public Uri Upstream => new($"http://{listener.LocalEndPoint}");

    /// <summary>Callers that begin now, one for each script.</summary>
    public IReadOnlyList<LoadCaller> Start(IEnumerable<CallScript> scripts, LoadTally tally)
    {
        var callers = scripts.Select(script => new LoadCaller(this, script, tally)).ToList();
        foreach (var caller in callers) Post(caller.Begin);
        return callers;
    }

    /// <summary>From any thread: done on the loop.</summary>
    public void Post(Action action) => posted.Enqueue(action);

    /// <summary>On the loop: done there after the delay.</summary>
    public void Later(TimeSpan delay, Action action) => later.Enqueue(action, System.Environment.TickCount64 + (long)delay.TotalMilliseconds);

    /// <summary>On the loop: done whenever something can be read.</summary>
    public void Watch(Socket socket, Action readable) => watched[socket] = readable;

    public void Forget(Socket socket) => watched.Remove(socket);

    public void Dispose()
    {
        ending = true;
        thread.Join();
        foreach (var socket in watched.Keys) socket.Dispose();
    }

    private void Run()
    {
        BatchScheduling.Enter(); // An answer that wakes us must not put aside the measured process in the middle of sending it.
        while (!ending)
        {
            while (posted.TryDequeue(out var action)) action();
            while (later.TryPeek(out _, out var due) && due <= System.Environment.TickCount64) later.Dequeue()();
            ready.Clear();
            ready.AddRange(watched.Keys);
            Socket.Select(ready, null, null, LongestWait);
            foreach (var socket in ready)
            {
                if (watched.TryGetValue(socket, out var readable)) readable(); // not when an earlier one made us forget it
            }
        }
    }

    private void Accept()
    {
        var socket = listener.Accept();
        socket.NoDelay = true;
        var connection = new KeptConnection(socket);
        Watch(socket, () => Serve(connection));
    }

    private void Serve(KeptConnection connection)
    {
        try
        {
            if (connection.TryReceive(out _)) connection.Send(Answer);
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            Forget(connection.Socket); // Proxies close what they do not need.
            connection.Dispose();
        }
    }
}
