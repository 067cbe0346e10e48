using Caracal.Storage.Leadership;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.TestKit;
using Dapper;
using Npgsql;

namespace Caracal.Storage.Tests.Leadership;

public sealed class LeaderLeaseTests
{
    private static readonly AdvisoryLock Job = AdvisoryLock.Job(4711);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task One_of_two_replicas_leads_and_the_other_takes_over_when_its_session_ends()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        await using var other = await store.EnterAsync(ServiceRole.Audit);
        using var stop = new CancellationTokenSource();
        var (first, second) = (new Replica(store.Database, stop.Token), new Replica(other, stop.Token));

        var leader = await Task.WhenAny(first.Began, second.Began).WaitAsync(Patience) == first.Began ? first : second;
        var follower = leader == first ? second : first;
        await Task.Delay(4 * Interval);
        Assert.Equal((true, false), (leader.Lease.IsLeader, follower.Lease.IsLeader));
        Assert.Equal(0, follower.Lease.Changes);

        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));
        await leader.Ended.WaitAsync(Patience);
        await Task.WhenAny(first.BeganAgain, second.BeganAgain, follower.Began).WaitAsync(Patience);
        Assert.NotEqual(first.Lease.IsLeader, second.Lease.IsLeader);

        await stop.CancelAsync();
        await Task.WhenAll(first.EndAsync(), second.EndAsync());
        Assert.False(first.Lease.IsLeader || second.Lease.IsLeader);
        await using var free = await other.TryLeadAsync(Job, default);
        Assert.NotNull(free);
    }

    [Fact]
    public async Task A_leader_whose_login_changes_leaves_no_session_of_the_old_one_and_leads_on()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        var server = await PostgresServer.GetAsync();
        var name = (await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_database()")))!;
        var login = $"{name}_lead";
        await store.Owner.WriteAsync(work => work.Connection.ExecuteAsync($"CREATE ROLE {login} SUPERUSER LOGIN PASSWORD '{PostgresServer.Password}'"));
        await using var database = new PostgresDatabase(
            server.Address(name, ServiceRole.Audit.FirstLogin), new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0, Instance = "lead" });
        using var stop = new CancellationTokenSource();
        var replica = new Replica(database, stop.Token, TimeSpan.FromMinutes(10));
        await replica.Began.WaitAsync(Patience);

        _ = database.EnterAsync(server.Address(name, login));

        await replica.BeganAgain.WaitAsync(Patience);
        Assert.True(replica.Lease.IsLeader);
        Assert.Equal([login], await store.Owner.ReadAsync(c => c.QueryAsync<string>(
            "SELECT a.usename FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = 4711 AND a.datname = current_database()")));
        await stop.CancelAsync();
        await replica.EndAsync();
    }

    [Fact]
    public async Task Behind_a_pooler_in_transaction_mode_never_two_lead_and_whoever_does_steps_down_when_another_session_answers()
    {
        await using var store = await TestStore.CreateAsync(Engine.Postgres, ServiceRole.Audit);
        var name = (await store.Owner.ReadAsync(c => c.ExecuteScalarAsync<string>("SELECT current_database()")))!;
        await using var pooler = await Pooler.StartAsync((await PostgresServer.GetAsync()).Port);
        await using var first = new PostgresDatabase(pooler.Address(name), new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0 });
        await using var second = new PostgresDatabase(pooler.Address(name), new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0 });

        await using var lead = await first.TryLeadAsync(Job, default);
        Assert.True(await lead!.IsHeldAsync(default));
        await using var again = await second.TryLeadAsync(Job, default); // the pooler gives it the same session
        Assert.Null(again);

        // The session with the lock is busy with somebody else's transaction: another one answers.
        await using var other = new NpgsqlConnection(pooler.ConnectionString(name));
        await other.OpenAsync(TestContext.Current.CancellationToken);
        await using var busy = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, await other.ExecuteScalarAsync<int>("SELECT 1", transaction: busy));
        Assert.False(await lead.IsHeldAsync(default));
        Assert.Null(await second.TryLeadAsync(Job, default));
    }

    [Fact]
    public async Task The_only_process_of_an_embedded_store_leads()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        using var stop = new CancellationTokenSource();
        var replica = new Replica(store.Database, stop.Token);
        await replica.Began.WaitAsync(Patience);
        Assert.True(replica.Lease.IsLeader);
        await stop.CancelAsync();
        await replica.EndAsync();
    }

    private sealed class Replica
    {
        private readonly TaskCompletionSource[] _began = [new(), new()];
        private readonly TaskCompletionSource _ended = new();
        private int _terms;

        public Replica(Database database, CancellationToken stop, TimeSpan? interval = null)
        {
            Lease = new LeaderLease(database, Job, TimeProvider.System, interval ?? Interval);
            Running = Task.Run(() => Lease.RunAsync(LeadAsync, stop), stop);
        }

        public LeaderLease Lease { get; }

        private Task Running { get; }

        public Task Began => _began[0].Task;

        public Task BeganAgain => _began[1].Task;

        public Task Ended => _ended.Task;

        public async Task EndAsync() => await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        private async Task LeadAsync(CancellationToken term)
        {
            if (_terms < _began.Length) _began[_terms++].TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, term).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ended.TrySetResult();
        }
    }
}
