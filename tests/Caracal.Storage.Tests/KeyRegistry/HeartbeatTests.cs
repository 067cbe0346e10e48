using Caracal.Storage.Instances;
using Caracal.Storage.KeyRegistry;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Npgsql;

namespace Caracal.Storage.Tests.KeyRegistry;

public sealed class HeartbeatTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Every_service_keeps_one_row_for_each_instance_and_ends_it(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        foreach (var role in ServiceRole.All)
        {
            await BeatAsync(store.As(role), role.Name, Now);
            await BeatAsync(store.As(role), role.Name, Now.AddSeconds(10));
        }

        await store.As(ServiceRole.Gateway).WriteAsync(work => HeartbeatStore.EndAsync(work, "gateway", "host-1", Now.AddSeconds(11)));
        var rows = await store.Database.ReadAsync(InstanceStore.ListAsync);

        Assert.Equal(ServiceRole.All.Select(role => role.Name).Order(), rows.Select(row => row.Service));
        Assert.All(rows, row => Assert.Equal(Now.AddSeconds(10), row.LastSeen));
        Assert.Equal("gateway", Assert.Single(rows, row => row.StoppedAt is not null).Service);
        await store.Database.WriteAsync(work => InstanceStore.ForgetAsync(work, Now.AddSeconds(11)));
        Assert.Empty(await store.Database.ReadAsync(InstanceStore.ListAsync));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_process_that_restarts_under_its_name_does_not_wipe_out_when_a_previous_value_came(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        var database = store.As(ServiceRole.Gateway);
        await BeatAsync(database, "gateway", Now);
        await BeatAsync(database, "gateway", Now.AddSeconds(20), Now.AddSeconds(15)); // Nothing came that matters: nothing is kept.
        Assert.Single(await store.Database.ReadAsync(InstanceStore.ListAsync));
        await BeatAsync(database, "gateway", Now.AddSeconds(30), Now.AddSeconds(15), """{"gateway-sts-hmac":{"current":"sid_2","previous_used_seconds":5}}""");
        foreach (var restart in (int[])[40, 50, 60]) await BeatAsync(database, "gateway", Now.AddSeconds(restart), Now.AddSeconds(restart - 1));

        var rows = await store.Database.ReadAsync(InstanceStore.ListAsync);
        Assert.Equal(2, rows.Count);
        var before = Assert.Single(rows, row => row.Instance != "host-1");
        Assert.StartsWith("host-1~", before.Instance, StringComparison.Ordinal);
        Assert.Equal((Now.AddSeconds(30), Now.AddSeconds(30), (string?)null), (before.LastSeen, before.StoppedAt, before.Address));
        Assert.Contains("previous_used_seconds", before.KeySlots.Value, StringComparison.Ordinal);
        Assert.Null(Assert.Single(rows, row => row.Instance == "host-1").StoppedAt);
    }

    [Fact]
    public async Task A_service_cannot_speak_for_another()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Api);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => BeatAsync(store.As(ServiceRole.Gateway), "sts", Now));

        Assert.Equal("42501", refused.SqlState);
        Assert.Empty(await store.Database.ReadAsync(InstanceStore.ListAsync));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_first_key_of_a_class_is_adopted_and_a_second_is_unknown(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);

        Assert.Equal("active", await StateAsync(store.As(ServiceRole.Sts), "sid_1"));
        Assert.Equal("active", await StateAsync(store.As(ServiceRole.Audit), "sid_1"));
        Assert.Null(await StateAsync(store.As(ServiceRole.Gateway), "sid_2"));
        Assert.Null(await StateAsync(store.As(ServiceRole.Gateway), "sid_2"));
    }

    private static Task<string?> StateAsync(Database database, string sid) =>
        database.WriteAsync(work => KeyRegistryGuard.StateAsync(work, "streams-hmac", sid, "k", Now));

    private static Task BeatAsync(
        Database database, string service, DateTimeOffset now, DateTimeOffset? started = null, string slots = """{"streams-hmac":{"current":"sid_1"}}""") => database.WriteAsync(work => HeartbeatStore.BeatAsync(
        work,
        new Heartbeat
        {
            Service = service,
            Instance = "host-1",
            Version = "test",
            Mode = "dev",
            Address = "http://127.0.0.1:1",
            StartedAt = started ?? Now,
            KeySlots = slots,
        },
        now));
}
