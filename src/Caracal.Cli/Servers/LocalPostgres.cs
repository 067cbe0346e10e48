using System.Diagnostics;
using System.Globalization;
using Caracal.Cli.CommandLine;
using Caracal.Stack;

namespace Caracal.Cli.Servers;

/// <summary>A real PostgreSQL of this process: a cluster in a temporary folder on a free loopback port, removed at the end.</summary>
internal sealed class LocalPostgres : IAsyncDisposable
{
    private const int Attempts = 300;
    private static readonly TimeSpan ChildrenNotice = TimeSpan.FromSeconds(1);
    private const string Installed = "/usr/lib/postgresql";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-postgres-");
    private readonly string programs;
    private readonly string[] asOwner;
    private Process? process;

    private LocalPostgres(string programs)
    {
        this.programs = programs;
        // It refuses to run as root; Debian's package brings a user for it.
        asOwner = System.Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : [];
    }

    public int Port { get; } = FreePorts.Take(1)[0];

    private string Data => Path.Combine(folder.FullName, "data");

    /// <summary>The owner's URL of a database.</summary>
    public string Url(string database) => $"postgres://postgres@127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)}/{database}";

    /// <summary>A service's URL of a database.</summary>
    public string Url(string database, string login, string password) =>
        $"postgres://{login}:{password}@127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)}/{database}";

    /// <summary>A started server with one empty database.</summary>
    public static async Task<LocalPostgres> CreateAsync(string database, CancellationToken stop)
    {
        var newest = Directory.Exists(Installed)
            ? Directory.GetDirectories(Installed).OrderBy(path => int.TryParse(Path.GetFileName(path), out var version) ? version : 0).LastOrDefault()
            : null;
        if (newest is null) throw new CommandFailure("PostgreSQL is not installed (Debian: apt-get install postgresql)");
        var server = new LocalPostgres(Path.Combine(newest, "bin"));
        try
        {
            if (server.asOwner.Length > 0) await LocalProcess.RunAsync(["chown", "postgres", server.folder.FullName], stop);
            await LocalProcess.RunAsync(
                [.. server.asOwner, server.Program("initdb"), "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"],
                stop);
            await server.StartAsync(stop);
            await LocalProcess.RunAsync([server.Program("createdb"), "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "postgres", database], stop);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server and returns when it takes connections.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        process = LocalProcess.Launch(
        [
            .. asOwner, Program("postgres"), "-D", Data, "-p", $"{Port}", "-k", folder.FullName,
            "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300", "-c", "shared_buffers=64MB",
        ]);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await LocalProcess.RunAsync([Program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{Port}"], stop);
                return;
            }
            catch (CommandFailure) when (attempt < Attempts && !process.HasExited)
            {
                await Task.Delay(50, stop);
            }
        }
    }

    /// <summary>Ends the server as an operator does who cannot wait: open transactions are broken off, what was committed stays.</summary>
    public Task StopAsync() => EndAsync(LocalProcess.Interrupt);

    /// <summary>SIGKILL of the server itself; its children end when they notice, and the next start waits for them.</summary>
    public async Task KillAsync()
    {
        await EndAsync(LocalProcess.Kill);
        await Task.Delay(ChildrenNotice);
    }

    private async Task EndAsync(int signal)
    {
        if (process is null) return;
        await LocalProcess.EndAsync(process, ServerPid() ?? process.Id, signal);
        process.Dispose();
        process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        folder.Delete(recursive: true);
    }

    // Behind runuser the server is a process of its own.
    private int? ServerPid()
    {
        var file = Path.Combine(Data, "postmaster.pid");
        return File.Exists(file) && int.TryParse(File.ReadLines(file).FirstOrDefault(), out var pid) ? pid : null;
    }

    private string Program(string name) => Path.Combine(programs, name);
}
