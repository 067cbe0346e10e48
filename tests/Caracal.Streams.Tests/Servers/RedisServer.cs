using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Caracal.Keys.Secrets;
using Caracal.Streams.Redis;

[assembly: AssemblyFixture(typeof(Caracal.Streams.Tests.Servers.RedisServer))]

namespace Caracal.Streams.Tests.Servers;

/// <summary>
/// A real server of our own on a free loopback port, with its data in a temporary folder. Every change is in its file
/// before it is answered, so that a killed server comes back with all it has promised.
/// </summary>
public sealed class RedisServer : IAsyncLifetime
{
    public const string Password = "a-password-of-the-tests";

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-redis-");
    private readonly string[] _extraSettings;
    private Process? _process;
    private int _database;

    public RedisServer()
        : this([])
    {
    }

    private RedisServer(string[] extraSettings) => _extraSettings = extraSettings;

    public int Port { get; } = FreePort();

    public string Folder => _folder.FullName;

    /// <summary>A server that a test may kill, pause or misuse.</summary>
    public static async Task<RedisServer> StartOwnAsync(params string[] extraSettings)
    {
        var server = new RedisServer(extraSettings);
        await server.InitializeAsync();
        return server;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A way to a database that no other test uses.</summary>
    public RedisOptions Options() => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        Password = new SecretText(Password),
        Database = Interlocked.Increment(ref _database),
    };

    public async ValueTask InitializeAsync() => await StartAsync();

    public async Task StartAsync()
    {
        string[] settings =
        [
            "--bind", "127.0.0.1", "--port", $"{Port}", "--dir", Folder, "--requirepass", Password, "--databases", "1024",
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
            "--enable-debug-command", "yes", "--loglevel", "warning", "--logfile", "redis.log", .. _extraSettings,
        ];
        _process = Process.Start(new ProcessStartInfo(await RedisBinary.PathAsync, settings) { UseShellExecute = false })!;
        await AnswersAsync();
    }

    /// <summary>Ends it as a power cut of the process would.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder.Delete(recursive: true);
    }

    private async Task AnswersAsync()
    {
        var started = Stopwatch.StartNew();
        while (true)
        {
            await using var connection = new RedisConnection(Options() with { Database = 0 });
            try
            {
                await connection.ExecuteAsync(["PING"], default);
                return;
            }
            catch (StreamsUnavailableException fault)
            {
                if (_process!.HasExited || started.Elapsed > StartTime)
                {
                    throw new InvalidOperationException($"redis-server did not start: {Log()}", fault);
                }

                await Task.Delay(20);
            }
        }
    }

    private string Log()
    {
        var file = Path.Combine(Folder, "redis.log");
        return File.Exists(file) ? File.ReadAllText(file) : "it wrote no log";
    }
}
