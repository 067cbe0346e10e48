using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage.Custody;
using Caracal.Storage.Privileges;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.Reencryption;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Reencryption;

/// <summary>What is left to do after a key-encryption key was in wrong hands (operations.md 4.6.1).</summary>
public sealed class ExposureTaskTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Kek Exposed = new(RandomNumberGenerator.GetBytes(32));
    private static readonly Kek Other = new(RandomNumberGenerator.GetBytes(32));

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task One_task_for_each_value_in_use_that_the_key_opens_and_none_for_what_it_does_not(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        await FillAsync(store);

        await OpenAsync(store);
        await OpenAsync(store); // said twice, opened once

        var tasks = await ListAsync(store);
        Assert.Equal(
            ["notification_sinks sink", "provider_connections connection", "secret_store zones/z1/exposed", "secrets signing"],
            tasks.Select(task => $"{task.Kind} {task.Item}"));
        Assert.All(tasks, task => Assert.Equal(("z1", Exposed.IdHex, "ops@example.com", Now), (task.ZoneId, task.Kid, task.OpenedBy, task.OpenedAt)));
        Assert.Equal([0, 1, 1, 1], tasks.Select(task => task.Unchanged));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_value_that_was_only_sealed_anew_is_as_exposed_and_one_that_was_changed_is_not(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        await FillAsync(store);
        await OpenAsync(store);

        Assert.True(await new EnvelopeSweep(store.Database, new KekRing(new KekSet(Other, null, [Exposed])), TimeProvider.System) { Rate = 0 }.RunAsync("rot_1", default));
        Assert.Equal([0, 1, 1, 1], (await ListAsync(store)).Select(task => task.Unchanged));

        await store.Database.WriteAsync(work => CustodyStore.PutAsync(work, "z1", "zones/z1/exposed", Sealed(Other, "zones/z1/exposed"), Now));
        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE secrets SET state = 'compromised' WHERE id = 'signing'"));
        await store.Database.WriteAsync(work => ConnectionDirectory.PutAsync(work, Connection(Other)));
        var changed = await ListAsync(store);
        Assert.Equal([0, 0, 0, 0], changed.Select(task => task.Unchanged));

        await store.Database.WriteAsync(work => ExposureTaskStore.CloseAsync(work, changed[0].Id, "ops@example.com", "changed at the receiver", Now));
        Assert.Equal(3, (await ListAsync(store)).Count);
        var closed = (await store.Database.ReadAsync(connection => ExposureTaskStore.ListAsync(connection, closedToo: true)))[0];
        Assert.Equal(("ops@example.com", "changed at the receiver", Now), (closed.ClosedBy, closed.CloseReason, closed.ClosedAt));
    }

    private static Task<IReadOnlyList<ExposureTask>> ListAsync(TestStore store) =>
        store.Database.ReadAsync(connection => ExposureTaskStore.ListAsync(connection, closedToo: false));

    private static Task OpenAsync(TestStore store) =>
        store.Database.WriteAsync(work => ExposureTaskStore.OpenAsync(work, Exposed, "ops@example.com", "a disk was sold", Now));

    private static byte[] Sealed(Kek kek, string location) => Css1Envelope.Seal(new KekRing(new KekSet(kek, null, [])), location, "value"u8);

    private static NewConnection Connection(Kek kek) => new()
    {
        Id = "connection",
        ZoneId = "z1",
        SubjectId = "s1",
        ProviderId = "p1",
        AccessTokenCt = Sealed(kek, SealedLocations.ConnectionAccessToken),
        RefreshTokenCt = Sealed(kek, SealedLocations.ConnectionRefreshToken),
        Now = Now,
    };

    private static async Task FillAsync(TestStore store)
    {
        await store.Database.WriteAsync(async work =>
        {
            await CustodyStore.AddAsync(work, "z1", "zones/z1/exposed", Sealed(Exposed, "zones/z1/exposed"), Now);
            await CustodyStore.AddAsync(work, "z1", "zones/z1/other", Sealed(Other, "zones/z1/other"), Now);
            await CustodyStore.AddAsync(work, "caracal.sys", "zones/caracal.sys/canary/kek", Sealed(Exposed, "zones/caracal.sys/canary/kek"), Now);
        });
        await store.Owner.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync("INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z1', 'one', 'one', @Now, @Now)", new { Now });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO providers (id, zone_id, name, identifier, provider_kind, config_json, secret_config_keys, created_at, updated_at)
                VALUES ('p1', 'z1', 'p', 'provider://p', 'oauth2_authorization_code', @config, @keys, @Now, @Now)
                """,
                new { Now, config = new JsonText("{}"), keys = Array.Empty<string>() });
            foreach (var (id, version, state) in new[] { ("gone", 1, "retired"), ("signing", 2, "active") })
            {
                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO secrets (id, zone_id, entity_id, name, type, envelope, version, state, created_at, updated_at)
                    VALUES (@id, 'z1', 'z1', 'zone_signing_key', 'token', @envelope, @version, @state, @Now, @Now)
                    """,
                    new { id, version, state, Now, envelope = Sealed(Exposed, SealedLocations.ZoneSigningKey) });
            }

            await work.Connection.ExecuteAsync(
                """
                INSERT INTO notification_sinks (id, zone_id, name, url, secret_ct, event_types, created_at, updated_at)
                VALUES ('sink', 'z1', 'sink', 'https://sink.example', @secret, @types, @Now, @Now)
                """,
                new { Now, secret = Sealed(Exposed, SealedLocations.NotificationSinkSecret), types = Array.Empty<string>() });
        });
        await store.Database.WriteAsync(work => ConnectionDirectory.PutAsync(work, Connection(Exposed)));
    }
}
