using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage.Custody;
using Caracal.Storage.Privileges;
using Caracal.Storage.Reencryption;
using Caracal.TestKit;

namespace Caracal.Storage.Tests.Reencryption;

public sealed class EnvelopeSweepTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Kek Old = new(RandomNumberGenerator.GetBytes(32));
    private static readonly Kek New = new(RandomNumberGenerator.GetBytes(32));

    // CARACAL_SWEEP_VALUES=100000 is the size that operations.md promises.
    private static readonly int Values = int.TryParse(Environment.GetEnvironmentVariable("CARACAL_SWEEP_VALUES"), out var set) ? set : 3000;

    [Theory]
    [Trait("requirement", "R2")]
    [Trait("requirement", "R106")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Ends_with_nothing_under_the_old_key_however_often_it_is_killed_and_whoever_writes_meanwhile(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        await FillAsync(store.Database, Values, new KekRing(new KekSet(Old, null, [])));
        var both = new KekRing(new KekSet(New, null, [Old]));
        using var writing = new CancellationTokenSource();
        var writer = Task.Run(() => WriteAndOpenAsync(store.Database, both, writing.Token));

        for (var kills = 0; kills < 3; kills++)
        {
            using var kill = new CancellationTokenSource();
            var batches = 0;
            var sweep = new EnvelopeSweep(store.Database, both, TimeProvider.System)
            {
                Rate = 0,
                BatchSize = Math.Max(50, Values / 20),
                Report = _ =>
                {
                    if (++batches == 4) kill.Cancel();
                },
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sweep.RunAsync("rot_1", kill.Token));
        }

        Assert.True(await new EnvelopeSweep(store.Database, both, TimeProvider.System) { Rate = 0 }.RunAsync("rot_1", default));
        await writing.CancelAsync();
        Assert.Equal(0, await writer);

        var family = EnvelopeFamily.All[0];
        var counts = await store.Database.ReadAsync(connection => EnvelopeStore.CountByKeyAsync(connection, family));
        Assert.Equal([New.IdHex], counts.Keys);
        Assert.Equal(0, await store.Database.ReadAsync(connection => EnvelopeStore.CountOthersAsync(connection, New)));
        var progress = await store.Database.ReadAsync(connection => SweepProgressStore.ListAsync(connection, "rot_1"));
        Assert.Equal(EnvelopeFamily.All.Count, progress.Count);
        Assert.All(progress, row => Assert.NotNull(row.ZeroAt));
        Assert.Empty((await store.Database.ReadAsync(connection => EnvelopeStore.TryAsync(connection, family, KekRing(New), "", 10_000))).Failed);
    }

    [Theory]
    [Trait("requirement", "R140")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Names_a_value_that_does_not_open_leaves_it_and_is_not_done(Engine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, ServiceRole.Api);
        await FillAsync(store.Database, 10, KekRing(Old));
        await store.Database.WriteAsync(work => CustodyStore.AddAsync(work, "z1", "zones/z1/lost", Css1Envelope.Seal(KekRing(new Kek(RandomNumberGenerator.GetBytes(32))), "zones/z1/lost", "x"u8), Now));
        var both = new KekRing(new KekSet(New, null, [Old]));
        var tried = await store.Database.ReadAsync(connection => EnvelopeStore.TryAsync(connection, EnvelopeFamily.All[0], both, "", 100));
        Assert.Equal(["zones/z1/lost"], tried.Failed);

        Assert.False(await new EnvelopeSweep(store.Database, both, TimeProvider.System) { Rate = 0 }.RunAsync("rot_1", default));

        Assert.Equal(1, await store.Database.ReadAsync(connection => EnvelopeStore.CountOthersAsync(connection, New)));
        Assert.Equal(["secret_store zones/z1/lost"], await store.Database.ReadAsync(connection => SweepProgressStore.FailuresAsync(connection, "rot_1")));
    }

    private static KekRing KekRing(Kek kek) => new(new KekSet(kek, null, []));

    private static async Task FillAsync(Database database, int values, KekRing keks)
    {
        for (var start = 0; start < values; start += 1000)
        {
            await database.WriteAsync(async work =>
            {
                for (var i = start; i < Math.Min(values, start + 1000); i++)
                {
                    var location = $"zones/z1/providers/p{i:000000}/secretConfig";
                    await CustodyStore.AddAsync(work, "z1", location, Css1Envelope.Seal(keks, location, "{\"api_key\":\"k\"}"u8), Now);
                }
            });
        }
    }

    // A live writer seals with the new key, a live reader opens whatever it finds: how often it failed.
    private static async Task<int> WriteAndOpenAsync(Database database, KekRing keks, CancellationToken stop)
    {
        var failed = 0;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var location = $"zones/z1/providers/p{i * 37 % Values:000000}/secretConfig";
            var envelope = await database.ReadAsync(connection => CustodyStore.FindAsync(connection, "z1", location), CancellationToken.None);
            if (Css1Envelope.Open(keks, location, envelope!, out var plaintext) != Css1Outcome.Opened) failed++;
            plaintext?.Dispose();
            await database.WriteAsync(work => CustodyStore.AddAsync(work, "z1", $"zones/z1/new/{i}", Css1Envelope.Seal(keks, $"zones/z1/new/{i}", "n"u8), Now), CancellationToken.None);
        }

        return failed;
    }
}
