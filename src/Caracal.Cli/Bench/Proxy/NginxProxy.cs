using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>nginx as a plain reverse proxy with kept upstream connections: what a governed call is compared with.</summary>
internal sealed class NginxProxy : IMeasuredProxy
{
    private static readonly string[] Places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-nginx-");
    private readonly Process process;

    private NginxProxy(string executable, Uri upstream, int port)
    {
        Url = $"http://127.0.0.1:{port}";
        File.WriteAllText(Path.Combine(folder.FullName, "nginx.conf"), Configuration(upstream, port));
        var start = new ProcessStartInfo(executable, ["-p", folder.FullName, "-c", "nginx.conf", "-e", "error.log"]) { UseShellExecute = false };
        process = Process.Start(start) ?? throw new CommandFailure("nginx did not start");
    }

    public string Url { get; }

    public static async Task<NginxProxy> StartAsync(Uri upstream, CancellationToken stop)
    {
        var executable = Array.Find(Places, File.Exists)
            ?? throw new CommandFailure("bench proxy compares with nginx, which is not installed: apt-get install nginx-light");
        var proxy = new NginxProxy(executable, upstream, FreePort());
        try
        {
            await proxy.WaitUntilReadyAsync(stop);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    /// <summary>CPU time and memory of the master and its workers.</summary>
    public ProxyUse Use() => Pids().Select(ProxyUse.Of).Aggregate(ProxyUse.None, static (all, one) => all + one);

    public async ValueTask DisposeAsync()
    {
        ProcessIdentity.Of(process.Id)?.Terminate();
        using var limit = new CancellationTokenSource(StartTime);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
        folder.Delete(recursive: true);
    }

    // As Debian ships it (worker_processes auto), without the access log, which our forwarder does not write either.
    private static string Configuration(Uri upstream, int port) => $$"""
        daemon off;
        worker_processes auto;
        pid nginx.pid;
        events { worker_connections 1024; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            keepalive_requests 100000000;
            upstream target {
                server {{upstream.Authority}};
                keepalive 256;
                keepalive_requests 100000000;
            }
            server {
                listen 127.0.0.1:{{port}};
                location / {
                    proxy_pass http://target;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header Host $host;
                    proxy_set_header X-Forwarded-For $remote_addr;
                    proxy_set_header X-Forwarded-Proto $scheme;
                }
            }
        }
        """;

    private IEnumerable<int> Pids()
    {
        var children = File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children");
        return children.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pid => int.Parse(pid, CultureInfo.InvariantCulture))
            .Prepend(process.Id);
    }

    private async Task WaitUntilReadyAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(StartTime);
        using var http = new HttpClient();
        while (true)
        {
            if (process.HasExited) throw new CommandFailure($"nginx ended with exit code {process.ExitCode}");
            try
            {
                using var answer = await http.GetAsync(Url, limit.Token);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(20, limit.Token);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
