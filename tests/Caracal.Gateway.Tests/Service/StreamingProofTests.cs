using System.Diagnostics;
using System.Net;
using Caracal.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

/// <summary>Runs alone: what it measures is the whole process.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>One gigabyte each way through caller, Gateway and upstream, all in this process, without holding it anywhere.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class StreamingProofTests
{
    private const long Gigabyte = 1024L * 1024 * 1024;
    private const long WarmUp = 256L * 1024 * 1024;
    private const long AllowedGrowth = 20L * 1024 * 1024;

    [Fact]
    public async Task A_gigabyte_up_and_a_gigabyte_down_grow_resident_memory_by_less_than_20_MB()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { MaxRequestBytes = 2 * Gigabyte });
        host.Upstream.Raw = http => HttpMethods.IsPost(http.Request.Method) ? DrainAsync(http) : FillAsync(http);
        await UploadAsync(host, WarmUp);
        await DownloadAsync(host, WarmUp);
        GC.Collect();
        using var watch = new ResidentMemory();

        await UploadAsync(host, Gigabyte);
        var up = watch.Growth();
        await DownloadAsync(host, Gigabyte);
        var down = watch.Growth();
        Assert.True(up < AllowedGrowth && down < AllowedGrowth, $"grew by {up >> 20} MB up and {down >> 20} MB down");
    }

    private static async Task UploadAsync(GatewayHost host, long bytes)
    {
        using var request = host.Request(method: HttpMethod.Post);
        request.Content = new Zeros(bytes);
        using var answer = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal($"{bytes}", await answer.Content.ReadAsStringAsync());
    }

    private static async Task DownloadAsync(GatewayHost host, long bytes)
    {
        using var answer = await host.SendAsync(host.Request($"/v1/items?bytes={bytes}"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await using var body = await answer.Content.ReadAsStreamAsync();
        var buffer = new byte[64 * 1024];
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0;)
        {
            total += read;
        }

        Assert.Equal(bytes, total);
    }

    private static async Task DrainAsync(HttpContext http)
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        for (int read; (read = await http.Request.Body.ReadAsync(buffer)) > 0;)
        {
            total += read;
        }

        await http.Response.WriteAsync($"{total}");
    }

    private static async Task FillAsync(HttpContext http)
    {
        var left = long.Parse(http.Request.Query["bytes"]!);
        var buffer = new byte[64 * 1024];
        while (left > 0)
        {
            var size = (int)Math.Min(left, buffer.Length);
            await http.Response.Body.WriteAsync(buffer.AsMemory(0, size));
            left -= size;
        }
    }

    private sealed class Zeros(long length) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var buffer = new byte[64 * 1024];
            for (var left = length; left > 0; left -= buffer.Length)
            {
                await stream.WriteAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)));
            }
        }

        // Of unknown length, so that it goes up in chunks.
        protected override bool TryComputeLength(out long size)
        {
            size = 0;
            return false;
        }
    }

    private sealed class ResidentMemory : IDisposable
    {
        private readonly Process _process = Process.GetCurrentProcess();
        private readonly CancellationTokenSource _stop = new();
        private readonly long _start;
        private readonly Task _watching;
        private long _highest;

        public ResidentMemory()
        {
            _start = _highest = Read();
            _watching = Task.Run(WatchAsync);
        }

        /// <summary>The highest so far above the start, in bytes.</summary>
        public long Growth() => Interlocked.Read(ref _highest) - _start;

        public void Dispose()
        {
            _stop.Cancel();
            _watching.Wait();
            _stop.Dispose();
            _process.Dispose();
        }

        private async Task WatchAsync()
        {
            using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (!_stop.IsCancellationRequested)
            {
                _highest = Math.Max(_highest, Read());
                await tick.WaitForNextTickAsync();
            }
        }

        private long Read()
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }
}
