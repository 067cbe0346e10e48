using System.Globalization;
using System.Net;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>
/// Who is at the other end of a loopback connection. Nothing the child could pass on opens the proxy: a connection is
/// served because the process that holds it descends from this launcher.
/// </summary>
internal static class RunPeers
{
    /// <summary>True when the connection's other end is held by a descendant of this process. Unknown is no.</summary>
    /// <param name="peer">The other end.</param>
    /// <param name="local">Our end.</param>
    public static bool IsOfThisRun(IPEndPoint peer, IPEndPoint local)
    {
        try
        {
            return SocketOf(peer.Port, local.Port) is { } inode && Descendants(System.Environment.ProcessId).Any(process => Holds(process, inode));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // /proc/net/tcp: local address, remote address, …, uid, timeout, inode; ports in hex.
    private static string? SocketOf(int theirPort, int ourPort)
    {
        foreach (var table in (string[])["/proc/net/tcp", "/proc/net/tcp6"])
        {
            if (!File.Exists(table)) continue;
            foreach (var line in File.ReadLines(table).Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length > 9 && Port(fields[1]) == theirPort && Port(fields[2]) == ourPort && IsLoopback(fields[1]) && fields[9] != "0") return fields[9];
            }
        }

        return null;
    }

    private static int Port(string address) => int.Parse(address.AsSpan(address.IndexOf(':', StringComparison.Ordinal) + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static bool IsLoopback(string address) =>
        address.StartsWith("0100007F:", StringComparison.Ordinal) || address.StartsWith("0000000000000000FFFF00000100007F:", StringComparison.Ordinal);

    private static IEnumerable<int> Descendants(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && ParentOf(process) is { } parent) parents[process] = parent;
        }

        return parents.Keys.Where(process => Descends(process, root, parents));
    }

    private static bool Descends(int process, int root, Dictionary<int, int> parents)
    {
        for (var steps = 0; steps < 1000 && parents.TryGetValue(process, out var parent); steps++)
        {
            if (parent == root) return true;
            process = parent;
        }

        return false;
    }

    private static int? ParentOf(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' '); // the name in brackets may hold anything
            return int.Parse(fields[1], CultureInfo.InvariantCulture);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null; // it has just ended
        }
    }

    private static bool Holds(int process, string inode)
    {
        var name = $"socket:[{inode}]";
        try
        {
            return Directory.EnumerateFiles($"/proc/{process}/fd").Any(descriptor => new FileInfo(descriptor).LinkTarget == name);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
