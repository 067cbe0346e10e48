using System.Text.Json;
using Caracal.Hosting;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Stack.Stores;
using Caracal.Streams.Redis;
using Caracal.Streams.Tests.Servers;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Tests;

public sealed class StreamCareTests(RedisServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false, "warn")]
    [InlineData(true, "error")]
    public async Task A_Redis_that_may_evict_is_an_error_in_a_published_mode(bool isPublished, string level)
    {
        await using var evicting = await RedisServer.StartOwnAsync("--maxmemory-policy", "allkeys-lru");
        await using var redis = new RedisConnection(evicting.Options());
        using var text = new StringWriter();
        var log = TextWriter.Synchronized(text);
        var care = new StreamCare(StackRoles.Sts, isPublished, redis, new MetricsRegistry(), TimeProvider.System, LoggerOf(log));
        await RunUntilAsync(care, () => text.ToString().Contains("redis_eviction_unsafe", StringComparison.Ordinal));
        var line = text.ToString().Split('\n').First(line => line.Contains("redis_eviction_unsafe", StringComparison.Ordinal));
        Assert.Equal(level, JsonDocument.Parse(line).RootElement.GetProperty("level").GetString());
    }

    [Fact]
    public async Task The_API_tells_how_far_the_group_of_its_Control_is_behind()
    {
        await using var redis = new RedisConnection(server.Options());
        var streams = new RedisStreams(redis);
        var group = $"api-keys:{ServiceInstance.Id}";
        foreach (var name in (string[])[group, $"gateway-keys:{ServiceInstance.Id}", "api-keys:another"]) await streams.EnsureGroupAsync(Topics.KeysInvalidate, name, fromBeginning: false, shared: false, default);
        for (var i = 0; i < 2; i++) await streams.AppendAsync(Topics.KeysInvalidate, [new("zone_id", "z1")], null, default);
        Assert.Single(await streams.ReadAsync([Topics.KeysInvalidate], group, "c", 1, TimeSpan.Zero, default));
        var metrics = new MetricsRegistry();
        var care = new StreamCare(StackRoles.Api, isPublished: true, redis, metrics, TimeProvider.System, LoggerOf(TextWriter.Null));
        await RunUntilAsync(care, () => metrics.ToText().Contains("caracal_dead_letters{stream=\"caracal.keys.invalidate.dead\"} 0\n", StringComparison.Ordinal));
        var labels = $"{{stream=\"caracal.keys.invalidate\",group=\"{group}\"}}";
        Assert.Contains($"\ncaracal_stream_pending{labels} 1\n", metrics.ToText(), StringComparison.Ordinal);
        Assert.Contains($"caracal_stream_lag_seconds{labels} ", metrics.ToText(), StringComparison.Ordinal);
        Assert.DoesNotContain("gateway-keys", metrics.ToText(), StringComparison.Ordinal);
        Assert.DoesNotContain("another", metrics.ToText(), StringComparison.Ordinal);
    }

    private static async Task RunUntilAsync(StreamCare care, Func<bool> seen)
    {
        using var end = new CancellationTokenSource();
        using var limit = new CancellationTokenSource(Patience);
        var running = care.RunAsync(end.Token);
        while (!seen()) await Task.Delay(20, limit.Token);
        await end.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static ILogger LoggerOf(TextWriter output) => new JsonLineLogging(output, LogLevel.Debug, "test", "test").CreateLogger("stack");
}
