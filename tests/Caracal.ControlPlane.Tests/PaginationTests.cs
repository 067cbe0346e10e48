using System.Collections.Concurrent;
using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class PaginationTests
{
    // Rows come and go while a client walks the list; some share a microsecond, so that only the id tells them apart.
    [Theory]
    [InlineData(Engine.Sqlite, 11)]
    [InlineData(Engine.Postgres, 12)]
    public async Task Shows_every_row_that_was_there_throughout_exactly_once(Engine engine, int seed)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        var random = new Random(seed);
        var stays = new List<string>();
        for (var i = 0; i < 60; i++) stays.Add(await MakeAsync(api, zone, $"stays-{i}"));
        var passing = new ConcurrentQueue<string>();
        for (var i = 0; i < 30; i++) passing.Enqueue(await MakeAsync(api, zone, $"goes-{i}"));
        var moment = engine == Engine.Sqlite ? "1767225600000000" : "to_timestamp(1767225600)";
        var step = engine == Engine.Sqlite ? "1" : "interval '1 microsecond'";
        foreach (var (id, i) in stays.Concat(passing).OrderBy(_ => random.Next()).Select((id, i) => (id, i)))
        {
            await api.ExecuteAsync($"UPDATE workloads SET created_at = {moment} + {i / 7} * {step} WHERE id = '{id}'");
        }

        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                passing.Enqueue(await MakeAsync(api, zone, $"new-{i}"));
                if (passing.TryDequeue(out var gone)) Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/workloads/{gone}")).Status);
            }
        });
        for (var walk = 0; walk < 8; walk++)
        {
            var seen = await WalkAsync(api, zone, random.Next(1, 13));
            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.Equal(stays.Order(), seen.Intersect(stays).Order());
        }

        await stop.CancelAsync();
        await writer;
    }

    private static async Task<List<string>> WalkAsync(ApiHost api, string zone, int limit)
    {
        var seen = new List<string>();
        var cursor = "";
        while (true)
        {
            var page = (await api.GetAsync($"/v1/zones/{zone}/workloads?limit={limit}{cursor}")).Json;
            var items = page.GetProperty("items").EnumerateArray().Select(row => row.GetProperty("id").GetString()!).ToList();
            Assert.Equal(items.Count == limit, page.GetProperty("next_cursor").ValueKind == JsonValueKind.String);
            seen.AddRange(items);
            if (items.Count < limit) return seen;
            cursor = $"&cursor={page.GetProperty("next_cursor").GetString()}";
        }
    }

    private static async Task<string> MakeAsync(ApiHost api, string zone, string name)
    {
        var made = await api.PostAsync($"/v1/zones/{zone}/workloads", $$"""{"name":"{{name}}"}""");
        Assert.Equal(201, made.Status);
        return made.Get("id");
    }
}
