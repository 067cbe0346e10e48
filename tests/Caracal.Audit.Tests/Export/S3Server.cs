using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Amazon.Runtime;
using Caracal.Audit.Export;
using Caracal.TestKit;

namespace Caracal.Audit.Tests.Export;

/// <summary>
/// An S3-compatible server that others wrote, in a process of its own, behind a door that can be slammed: after so many
/// bytes of uploads the connection breaks, as it does when either end is killed. What it lacks of multipart uploads s3-server.mjs adds.
/// </summary>
internal sealed class S3Server : IAsyncDisposable
{
    private const string Bucket = "ledger";

    private readonly Process _process;
    private readonly string _folder;
    private readonly int _port;
    private readonly TcpListener _door = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private long _bytesLeft = long.MaxValue;

    private S3Server(Process process, string folder, int port)
    {
        (_process, _folder, _port) = (process, folder, port);
        _door.Start();
        _ = AcceptAsync();
    }

    /// <summary>Bytes that still pass on their way to the server.</summary>
    public long BytesLeft
    {
        set => Interlocked.Exchange(ref _bytesLeft, value);
    }

    /// <summary>Larger files are uploaded in parts of this size.</summary>
    public long PartBytes { get; set; } = new ExportSettings().PartBytes;

    /// <summary>Uploads that were begun, and neither completed nor aborted.</summary>
    public int OpenUploads
    {
        get
        {
            var uploads = Path.Combine(_folder, Bucket, "._S3rver_uploads");
            return Directory.Exists(uploads) ? Directory.GetDirectories(uploads).Length : 0;
        }
    }

    public ExportSettings Settings => new() { PartBytes = PartBytes, Bucket = Bucket, Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_door.LocalEndpoint).Port}") };

    public static async Task<S3Server> StartAsync()
    {
        var packages = await NodePackages.InstallAsync("s3rver@3.7.1");
        var folder = Directory.CreateTempSubdirectory("caracal-s3-").FullName;
        var port = FreePort.Take();
        var script = Path.Combine(packages, "s3-server.mjs");
        var source = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Export", "s3-server.mjs"));
        if (!File.Exists(script) || await File.ReadAllTextAsync(script) != source) await File.WriteAllTextAsync(script, source);
        var process = NodePackages.Start("node", packages, [script, folder, $"{port}", Bucket]);
        var started = await process.StandardOutput.ReadLineAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        if (started is null) throw new InvalidOperationException($"s3rver ended: {await process.StandardError.ReadToEndAsync()}");
        return new S3Server(process, folder, port);
    }

    /// <summary>A client with the key that the server knows, or another.</summary>
    public S3Target Open(string key = "S3RVER") => new(Settings, TimeProvider.System, new BasicAWSCredentials(key, "S3RVER"));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _door.Stop();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await _door.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var inside = new TcpClient();
        using (client)
        {
            try
            {
                await inside.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                var (near, far) = (client.GetStream(), inside.GetStream());
                await Task.WhenAny(near.CopyToAsync(new Metered(far, this), _stop.Token), far.CopyToAsync(near, _stop.Token));
            }
            catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException)
            {
                // Either end went away.
            }
        }
    }

    private sealed class Metered(Stream inner, S3Server server) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var left = Interlocked.Add(ref server._bytesLeft, -buffer.Length) + buffer.Length;
            if (left <= 0) throw new IOException("the door is shut");
            await inner.WriteAsync(buffer[..(int)Math.Min(buffer.Length, left)], cancellationToken);
            if (left < buffer.Length) throw new IOException("the door fell shut");
        }
    }
}
