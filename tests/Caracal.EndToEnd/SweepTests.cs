using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using Caracal.Cli.Servers;
using Caracal.Stack;
using Npgsql;

namespace Caracal.EndToEnd;

/// <summary>Two Coordinators in processes of their own, over one PostgreSQL and one Redis (coordinator.md 13).</summary>
public sealed class SweepTests
{
    private const int Tasks = 4_000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    [Fact]
    [Trait("requirement", "R110")]
    public async Task A_leader_that_is_killed_in_the_middle_of_a_sweep_leaves_nothing_late_and_nothing_twice()
    {
        await using var fleet = await LocalFleet.StartAsync(
            replicas: 2,
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["TTL_SWEEP_INTERVAL_MS"] = $"{Interval.TotalMilliseconds:0}",
                ["SWEEPER_BATCH_SIZE"] = "100000",
            },
            TestContext.Current.CancellationToken,
            [StackRoles.Coordinator]);
        await using var store = NpgsqlDataSource.Create(
            $"Host=127.0.0.1;Port={fleet.Postgres.Port};Username=postgres;Database={LocalFleet.DatabaseName};Options=-c caracal.zone_id=*");
        await SeedAsync(store);

        // Kill whoever sweeps, with part of its work done.
        var leader = await LeaderAsync(store);
        var killed = fleet.Services.Single(service => service.Pid == leader);
        await UntilAsync(async () => await CountAsync(store, "SELECT count(*) FROM sessions WHERE status = 'expired'") > 0, TimeSpan.FromSeconds(30));
        await killed.KillAsync();
        var clock = Stopwatch.StartNew();
        var before = await CountAsync(store, "SELECT count(*) FROM sessions WHERE status = 'expired'");
        Assert.InRange(before, 1, Tasks - 1);

        // The other takes over at its next run: one interval, and the time that the sweep itself takes.
        await UntilAsync(async () => await CountAsync(store, "SELECT count(*) FROM sessions WHERE status = 'expired'") > before, Interval * 2);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Interval * 2);
        await UntilAsync(async () => await CountAsync(store, "SELECT count(*) FROM sessions WHERE status = 'expired'") == Tasks, TimeSpan.FromSeconds(60));

        foreach (var told in new[] { "terminate:%", "agent_terminate:%" })
        {
            Assert.Equal(Tasks, await CountAsync(store, $"SELECT count(*) FROM caracal_outbox WHERE dedupe_key LIKE '{told}'"));
        }

        Assert.Equal(0, await CountAsync(store, "SELECT count(*) FROM open_sessions WHERE held <> 0"));
        Assert.NotEqual(leader, fleet.Services.Single(service => service != killed).Pid);
    }

    private static async Task SeedAsync(NpgsqlDataSource store)
    {
        await using var command = store.CreateCommand(
            $"""
             INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z', 'Z', 'z', now(), now());
             INSERT INTO applications (id, zone_id, name, registration_method, traits, created_at) VALUES ('a', 'z', 'A', 'managed', ARRAY[]::text[], now());
             INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
             VALUES ('r', 'z', 'application', 'a', 'active', now() + interval '1 day', now(), now());
             INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                 ttl_seconds, metadata_json, updated_at, lifecycle)
             SELECT 's' || n, 'z', 'a', 'r', 'active', ARRAY[]::text[], now() - interval '1 hour', now(), 60, '{"{}"}', now(), 'task'
             FROM generate_series(1, {Tasks}) AS n;
             """);
        await command.ExecuteNonQueryAsync();
    }

    // The process whose transaction holds the lock of the sweep; its name in the database ends with its process id.
    private static async Task<int> LeaderAsync(NpgsqlDataSource store)
    {
        var key = BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData("coordinator:ttl_sweep"u8));
        var leader = 0;
        await UntilAsync(
            async () =>
            {
                await using var command = store.CreateCommand(
                    """
                    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                    WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = $1
                    """);
                command.Parameters.AddWithValue(key);
                return await command.ExecuteScalarAsync() is string name && int.TryParse(name[(name.LastIndexOf('-') + 1)..], out leader);
            },
            TimeSpan.FromSeconds(30));
        return leader;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(clock.Elapsed < patience, $"not within {patience.TotalSeconds} s");
            await Task.Delay(5);
        }
    }
}
