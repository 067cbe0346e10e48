using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Caracal.Cli.CommandLine;
using Caracal.Stack;

namespace Caracal.Cli.Servers;

/// <summary>A real Redis of this process, configured as operations.md 8 asks, on a free loopback port, removed at the end.</summary>
internal sealed class LocalRedis : IAsyncDisposable
{
    private const int Attempts = 300;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-redis-");
    private readonly string password = RandomNumberGenerator.GetHexString(48, lowercase: true);
    private Process? process;

    private string AccessFile => Path.Combine(folder.FullName, "users.acl");

    private LocalRedis()
    {
    }

    public int Port { get; } = FreePorts.Take(1)[0];

    /// <summary>The administrator's URL.</summary>
    public string Url => $"redis://:{password}@127.0.0.1:{Port}";

    /// <summary>A service's URL.</summary>
    public string UrlOf(string user, string userPassword) => $"redis://{user}:{userPassword}@127.0.0.1:{Port}";

    public static async Task<LocalRedis> CreateAsync(CancellationToken stop)
    {
        var server = new LocalRedis();
        try
        {
            await server.StartAsync(stop);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server and returns when it answers.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        var program = (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/bin")
            .Select(path => Path.Combine(path, "redis-server")).FirstOrDefault(File.Exists)
            ?? throw new CommandFailure("redis-server is not installed (Debian: apt-get install redis-server)");
        // Users outlive a restart of the server, as in an installation; the administrator is one of them.
        if (!File.Exists(AccessFile)) await File.WriteAllTextAsync(AccessFile, $"user default on >{password} ~* &* +@all\n", stop);
        process = LocalProcess.Launch(
        [
            program, "--bind", "127.0.0.1", "--port", $"{Port}", "--dir", folder.FullName, "--appendonly", "yes",
            "--appendfsync", "everysec", "--save", "3600 1", "--maxmemory", "512mb", "--maxmemory-policy", "noeviction", "--logfile", "redis.log",
            "--aclfile", AccessFile,
        ]);
        for (var attempt = 1; !await AnswersAsync(stop); attempt++)
        {
            if (attempt == Attempts || process.HasExited) throw new CommandFailure($"redis-server did not start; see {folder.FullName}/redis.log");
            await Task.Delay(50, stop);
        }
    }

    public Task StopAsync() => EndAsync(LocalProcess.Terminate);

    /// <summary>SIGKILL: what it had answered is in its file already, written before each answer.</summary>
    public Task KillAsync() => EndAsync(LocalProcess.Kill);

    private async Task EndAsync(int signal)
    {
        if (process is null) return;
        await LocalProcess.EndAsync(process, process.Id, signal);
        process.Dispose();
        process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        folder.Delete(recursive: true);
    }

    // While it loads its file it answers with an error, which is no answer.
    private async Task<bool> AnswersAsync(CancellationToken stop)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", Port, stop);
            await using var stream = client.GetStream();
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"AUTH {password}\r\nPING\r\n"), stop);
            var answer = new byte[12];
            await stream.ReadExactlyAsync(answer, stop);
            return System.Text.Encoding.ASCII.GetString(answer) == "+OK\r\n+PONG\r\n";
        }
        catch (Exception fault) when (fault is SocketException or IOException)
        {
            return false;
        }
    }
}
