using System.Diagnostics;
using Caracal.Storage.Postgres;
using Npgsql;

namespace Caracal.TestKit;

/// <summary>
/// A real PostgreSQL of this test process: a cluster in a temporary folder on a free loopback port, started at first
/// use and ended with the process. Each test takes a database of its own.
/// </summary>
public sealed class PostgresServer
{
    private static readonly Lazy<Task<PostgresServer>> Shared = new(StartAsync);

    /// <summary>Password of every role here; logins are checked as in production.</summary>
    public const string Password = "a-password-of-the-tests";

    private readonly string _folder;
    private readonly Process _process;
    private int _databases;

    private PostgresServer(string folder, Process process, int port)
    {
        _folder = folder;
        _process = process;
        Port = port;
    }

    public int Port { get; }

    /// <summary>A role's address of a database; the superuser's when none is named.</summary>
    public PostgresAddress Address(string database, string role = "postgres") =>
        PostgresAddress.Parse($"postgres://{role}:{Password}@127.0.0.1:{Port}/{database}?sslmode=disable");

    /// <summary>The same for a driver of one's own, whose connections nobody else gets.</summary>
    public string ConnectionString(string database, string role = "postgres") =>
        $"Host=127.0.0.1;Port={Port};Username={role};Password={Password};Database={database};Pooling=false";

    /// <summary>The server of this process.</summary>
    public static Task<PostgresServer> GetAsync() => Shared.Value;

    /// <summary>Creates an empty database and returns its name.</summary>
    public async Task<string> CreateDatabaseAsync(string? template = null)
    {
        var name = $"t{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync($"CREATE DATABASE {name}{(template is null ? "" : $" TEMPLATE {template}")}");
        return name;
    }

    /// <summary>Removes a database with whoever is still connected to it.</summary>
    public Task DropDatabaseAsync(string name) => ExecuteAsync($"DROP DATABASE IF EXISTS {name} WITH (FORCE)");

    private static async Task<PostgresServer> StartAsync()
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        if (binaries is null)
        {
            throw new InvalidOperationException("PostgreSQL is not installed; ./test installs it");
        }

        var folder = Directory.CreateTempSubdirectory("caracal-postgres-").FullName;
        var data = Path.Combine(folder, "data");
        var asOther = Environment.UserName == "root";
        if (asOther)
        {
            // PostgreSQL refuses to run as root; Debian's package brings a user for it.
            await RunAsync("chown", ["postgres", folder]);
        }

        var prefix = asOther ? new[] { "runuser", "-u", "postgres", "--" } : [];
        var passwordFile = Path.Combine(Path.GetTempPath(), $"caracal-test-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(passwordFile, Password);
        await RunAsync([.. prefix, Path.Combine(binaries, "bin", "initdb"), "-D", data, "-U", "postgres", "-A", "scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"]);
        File.Delete(passwordFile);
        var port = FreePort.Take();
        var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        string[] command =
        [
            .. prefix, Path.Combine(binaries, "bin", "postgres"), "-D", data, "-p", port.ToString(), "-k", folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
        ];
        start.FileName = command[0];
        Array.ForEach(command[1..], start.ArgumentList.Add);
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var server = new PostgresServer(folder, process, port);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Stop();
        await server.WaitAsync();
        return server;
    }

    private async Task WaitAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (NpgsqlException) when (attempt < 300 && !_process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private void Stop()
    {
        try
        {
            var pid = File.ReadLines(Path.Combine(_folder, "data", "postmaster.pid")).First();
            using var kill = Process.Start("kill", ["-QUIT", pid]); // nobody reads it again: no last checkpoint
            kill.WaitForExit();
            _process.WaitForExit(TimeSpan.FromSeconds(5));
            using var remove = Process.Start("rm", ["-rf", _folder]); // hundreds of megabytes, which the end of a run waits 10 s for at most
        }
        catch (IOException)
        {
            // The folder is temporary either way.
        }
    }

    private static Task RunAsync(string program, string[] arguments) => RunAsync([program, .. arguments]);

    private static async Task RunAsync(string[] command)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        Array.ForEach(command[1..], start.ArgumentList.Add);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command[^1]} failed: {await output}{await error}");
        }
    }
}
