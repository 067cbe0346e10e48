using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Cli.Servers;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Storage.Custody;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Reencryption;

namespace Caracal.EndToEnd.Drills;

/// <summary>A re-encryption in a process of its own that is killed in the middle, again and again (operations.md 4.6.1).</summary>
public sealed class ReencryptionDrill
{
    private const string DatabaseName = "caracal";
    private const int Kills = 3;

    // CARACAL_SWEEP_VALUES=100000 is the size that operations.md promises.
    private static readonly int Values = int.TryParse(Environment.GetEnvironmentVariable("CARACAL_SWEEP_VALUES"), out var set) ? set : 4_000;

    private static readonly byte[] Old = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] New = RandomNumberGenerator.GetBytes(32);
    private static readonly KekRing Both = new(new KekSet(new Kek(New), null, [new Kek(Old)]));

    [Fact]
    public async Task Killed_three_times_it_ends_with_nothing_under_the_old_key_and_every_value_opens_meanwhile()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var postgres = await LocalPostgres.CreateAsync(DatabaseName, stop);
        var administrator = PostgresAddress.Parse(postgres.Url(DatabaseName));
        await MigrationJob.RunAsync(new MigrationJobSettings { Administrator = administrator }, TimeProvider.System, _ => { }, stop);
        await using var store = new PostgresDatabase(administrator, new PostgresSettings { MaximumConnections = 6, Instance = "drill" });
        await FillAsync(store);
        using var caracal = new CaracalCommand();
        caracal.With("DATABASE_URL", postgres.Url(DatabaseName)).With("CARACAL_MODE", "dev")
            .With("ZONE_KEK_OLD", Convert.ToHexStringLower(Old)).With("ZONE_KEK_NEW", Convert.ToHexStringLower(New));
        using var working = new CancellationTokenSource();
        var load = Task.Run(() => OpenAndWriteAsync(store, working.Token), stop);

        for (var kill = 1; kill <= Kills; kill++)
        {
            using var process = caracal.Start("keys", "reencrypt", "--rate", Values > 10_000 ? "0" : "2000");
            while (await DoneAsync(store) < Values * kill / (Kills + 1)) await Task.Delay(20, stop);
            Assert.False(process.HasExited, "it ended before it was killed");
            process.Kill();
            await process.WaitForExitAsync(stop);
        }

        var before = await DoneAsync(store);
        Assert.InRange(before, Values * Kills / (Kills + 1), Values - 1);
        var start = Stopwatch.GetTimestamp();
        var (exit, output, error) = await caracal.RunAsync("keys", "reencrypt", "--rate", "0", "--json");
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Assert.True(exit == 0, output + error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal((0, 0), (report.GetProperty("left").GetInt64(), report.GetProperty("undecryptable").GetInt64()));
        await working.CancelAsync();
        var (opened, failed) = await load;
        Assert.Equal(0, failed);
        Assert.True(opened > 0);
        Assert.Equal(0, await store.ReadAsync(connection => EnvelopeStore.CountOthersAsync(connection, Both.Current)));

        var again = await caracal.RunAsync("keys", "reencrypt", "--dry-run", "--json");
        Assert.Equal(0, again.Exit);
        Assert.Equal(0, JsonDocument.Parse(again.Output).RootElement.GetProperty("would_reseal").GetInt64());
        TestContext.Current.SendDiagnosticMessage(
            $"{Values} values, {Kills} kills; the last run sealed {Values - before} of them in {seconds:0.0} s; {opened} opens meanwhile, none failed");
    }

    private static async Task<long> DoneAsync(PostgresDatabase store) =>
        (await store.ReadAsync(connection => EnvelopeStore.CountByKeyAsync(connection, EnvelopeFamily.All[0]))).GetValueOrDefault(Both.Current.IdHex);

    private static async Task FillAsync(PostgresDatabase store)
    {
        var old = new KekRing(new KekSet(new Kek(Old), null, []));
        for (var start = 0; start < Values; start += 1000)
        {
            await store.WriteAsync(async work =>
            {
                for (var i = start; i < Math.Min(Values, start + 1000); i++)
                {
                    await CustodyStore.AddAsync(work, "z1", Location(i), Css1Envelope.Seal(old, Location(i), "{\"api_key\":\"k\"}"u8), DateTimeOffset.UnixEpoch);
                }
            });
        }
    }

    // What the running services do: open whatever is there, whichever key it is under.
    private static async Task<(long Opened, long Failed)> OpenAndWriteAsync(PostgresDatabase store, CancellationToken stop)
    {
        var (opened, failed) = (0L, 0L);
        for (var i = 0L; !stop.IsCancellationRequested; i++)
        {
            var location = Location((int)(i * 37 % Values));
            var envelope = await store.ReadAsync(connection => CustodyStore.FindAsync(connection, "z1", location), CancellationToken.None);
            if (Css1Envelope.Open(Both, location, envelope!, out var plaintext) == Css1Outcome.Opened) opened++;
            else failed++;
            plaintext?.Dispose();
            await Task.Delay(1, CancellationToken.None);
        }

        return (opened, failed);
    }

    private static string Location(int i) => $"zones/z1/providers/p{i:000000}/secretConfig";
}
