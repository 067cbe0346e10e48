using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Caracal.Storage.Postgres;
using Caracal.TestKit;

namespace Caracal.Storage.Tests.Leadership;

/// <summary>A real PgBouncer in transaction mode before the tests' server.</summary>
internal sealed class Pooler : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly Process _process;
    private readonly int _port;

    private Pooler(DirectoryInfo folder, Process process, int port) => (_folder, _process, _port) = (folder, process, port);

    public static async Task<Pooler> StartAsync(int server)
    {
        var folder = Directory.CreateTempSubdirectory("caracal-pooler-");
        var port = FreePort.Take();
        var file = Path.Combine(folder.FullName, "pgbouncer.ini");
        await File.WriteAllTextAsync(
            file,
            $"""
            [databases]
            * = host=127.0.0.1 port={server} user=postgres password={PostgresServer.Password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            ignore_startup_parameters = extra_float_digits,options,search_path
            """);
        string[] command = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--", "pgbouncer", file] : ["pgbouncer", file];
        if (Environment.UserName == "root") Process.Start("chown", ["-R", "postgres", folder.FullName]).WaitForExit();
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var pooler = new Pooler(folder, process, port);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return pooler;
            }
            catch (SocketException) when (attempt < 200 && !process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    public PostgresAddress Address(string database) => PostgresAddress.Parse($"postgres://postgres:{PostgresServer.Password}@127.0.0.1:{_port}/{database}?sslmode=disable");

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={_port};Username=postgres;Password={PostgresServer.Password};Database={database};Pooling=false";

    // runuser hands the signal on to its child.
    public async ValueTask DisposeAsync()
    {
        using (var end = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) await end.WaitForExitAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
