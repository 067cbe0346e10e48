using System.Diagnostics;
using Caracal.Cli.Client;
using Caracal.Cli.Servers;
using Caracal.Evidence.Checkpoints;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Npgsql;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Caracal.EndToEnd.Drills;

/// <summary>All drills share one system.</summary>
[CollectionDefinition(Name)]
public sealed class DrillCollection : ICollectionFixture<DrillFleet>
{
    public const string Name = "drills";
}

/// <summary>One system in separate processes for all drills: two STS, two Gateways, one of each other role, a governed zone.</summary>
public sealed class DrillFleet : IAsyncLifetime
{
    private static readonly Dictionary<string, string?> Limits = new(StringComparer.Ordinal)
    {
        // One address and one application make all calls here; in production the limits protect exactly against that.
        ["STS_MINT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["STS_CLIENT_RATE_LIMIT_PER_MIN"] = "100000000",
        ["COORDINATOR_RATE_LIMIT_PER_MIN"] = "0",
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
        ["MAX_AGENTS_PER_ZONE"] = "100000",
        ["MAX_AGENTS_PER_APP"] = "100000",
    };

    private LoopbackUpstream _upstream = null!;
    private NpgsqlDataSource _ledger = null!;

    internal LocalFleet Fleet { get; private set; } = null!;

    internal GovernedZone Zone { get; private set; } = null!;

    /// <summary>A client of each replica.</summary>
    internal IReadOnlyList<WireClient> Clients { get; private set; } = [];

    /// <summary>The application, acting through each replica.</summary>
    internal IReadOnlyList<AgentApplication> Applications { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _upstream = await LoopbackUpstream.StartAsync(remember: false, CancellationToken.None);
        Fleet = await LocalFleet.StartAsync(replicas: 2, Limits, CancellationToken.None);
        Clients = [new WireClient(Fleet.Endpoints(0)), new WireClient(Fleet.Endpoints(1))];
        Zone = await ZoneAsync("Drills");
        Applications = [.. Clients.Select(client => new AgentApplication(client, Zone))];
        _ledger = NpgsqlDataSource.Create(
            $"Host=127.0.0.1;Port={Fleet.Postgres.Port};Username=postgres;Database={LocalFleet.DatabaseName};Options=-c caracal.zone_id=*");
    }

    public async ValueTask DisposeAsync()
    {
        if (_ledger is not null) await _ledger.DisposeAsync();
        foreach (var client in Clients) client.Dispose();
        if (Fleet is not null) await Fleet.DisposeAsync();
        if (_upstream is not null) await _upstream.DisposeAsync();
    }

    /// <summary>A governed zone of its own.</summary>
    internal Task<GovernedZone> ZoneAsync(string name) => GovernedZone.CreateAsync(
        Clients[0], Fleet.Files.AdminToken, new ZoneBlueprint { Name = name, UpstreamUrl = _upstream.Url, ApiKey = "drill-upstream-key" }, CancellationToken.None);

    /// <summary>Those of the requests that have no event in the ledger, after it had time to take them.</summary>
    internal async Task<IReadOnlyList<string>> MissingFromLedgerAsync(IReadOnlyCollection<string> requests, TimeSpan patience)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                var missing = await MissingAsync(requests);
                if (missing.Count == 0 || waiting.Elapsed > patience) return missing;
            }
            catch (NpgsqlException) when (waiting.Elapsed < patience)
            {
                // A pooled connection of ours met the server that was stopped; the next one is new.
            }

            await Task.Delay(100);
        }
    }

    /// <summary>Ends when a client can reach every service and each says that it is ready.</summary>
    internal Task RecoverAsync() => Fleet.WaitUntilReadyAsync(Fleet.Services, CancellationToken.None);

    /// <summary><c>caracal audit verify</c> over the ledger as it is now: chains, and trees against their signed checkpoints.</summary>
    internal async Task<string> VerifyChainAsync()
    {
        var checkpoints = new NoteSigner("caracal", Convert.FromHexString(Fleet.Files.Secret(SecretFiles.AuditCheckpointKey))).Key;
        using var caracal = new CaracalCommand();
        var (exit, output, error) = await caracal
            .With("DATABASE_URL", Fleet.Postgres.Url(LocalFleet.DatabaseName))
            .With("CARACAL_SECRETS_DIR", Fleet.Files.Variables["CARACAL_SECRETS_DIR"])
            .RunAsync("audit", "verify", "--checkpoint-key", checkpoints.ToString());
        return exit == 0 ? "" : output + error;
    }

    /// <summary>Ends a Session at the Coordinator; false when it could not be asked.</summary>
    internal async Task<bool> TryEndSessionAsync(AgentAuthority authority)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            return (await Clients[0].CoordinatorAsync(
                HttpMethod.Delete, $"/zones/{Zone.ZoneId}/agents/{authority.SessionId}", Fleet.Files.CoordinatorToken, null, limit.Token)).IsSuccess;
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    internal FleetService Service(string role, int replica = 0) => Fleet.Find(role, replica);

    /// <summary>Those of the requests whose answer has more than one event: a mint its exchange, a call what the Gateway made of it.</summary>
    internal async Task<IReadOnlyList<string>> ToldTwiceAsync(IReadOnlyCollection<string> requests)
    {
        await using var command = _ledger.CreateCommand(
            """
            WITH told AS (
                SELECT request_id, count(*) FILTER (WHERE event_type = 'gateway_resource_request') AS forwarded,
                    count(*) FILTER (WHERE event_type = 'replay_detected') AS replays, count(*) FILTER (WHERE event_type = 'token_exchange') AS exchanges
                FROM audit_events WHERE request_id = ANY ($1) GROUP BY request_id)
            SELECT request_id FROM told
            WHERE forwarded > 1 OR (forwarded = 0 AND replays > 1) OR (forwarded = 0 AND replays = 0 AND exchanges <> 1)
            """);
        command.Parameters.AddWithValue(requests.ToArray());
        var twice = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) twice.Add(reader.GetString(0));
        return twice;
    }

    private async Task<IReadOnlyList<string>> MissingAsync(IReadOnlyCollection<string> requests)
    {
        await using var command = _ledger.CreateCommand(
            "SELECT id FROM unnest($1) AS asked(id) WHERE NOT EXISTS (SELECT FROM audit_events WHERE request_id = asked.id)");
        command.Parameters.AddWithValue(requests.ToArray());
        var missing = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) missing.Add(reader.GetString(0));
        return missing;
    }
}
