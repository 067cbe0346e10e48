using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Caracal.Audit.Tampering;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening;
using Caracal.Cli.Servers;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Stack;
using Caracal.Storage.Postgres;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Dapper;

namespace Caracal.Cli.Drills;

/// <summary>
/// The system that is broken: every service in a process of its own over a PostgreSQL and a Redis of its own, in stable, with a
/// governed zone and somebody who calls. It belongs to the drill and is gone afterwards.
/// </summary>
internal sealed class DrillSystem : IAsyncDisposable
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(8);

    private static readonly Dictionary<string, string?> Settings = new(StringComparer.Ordinal)
    {
        ["CARACAL_MODE"] = "stable",
        ["CARACAL_INTERNAL_PLAINTEXT"] = "true",
        ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true",
        ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = "true",
        ["HOST"] = "127.0.0.1",
        ["OPA_POLL_SECONDS"] = "1",
        ["COORDINATOR_RATE_LIMIT_PER_MIN"] = "0",
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
    };

    private static readonly string[] DeadTopics = [Topics.AuditDeadLetters, Topics.Dead(Topics.SessionsRevoke), Topics.Dead(Topics.DelegationsInvalidate)];

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = CallTime };
    private readonly ConcurrentQueue<string> answered = new();
    private readonly LoopbackUpstream upstream;
    private AgentApplication application = null!;

    private DrillSystem(LocalFleet fleet, CutLine line, LoopbackUpstream upstream)
    {
        (Fleet, Line, this.upstream) = (fleet, line, upstream);
        Client = new WireClient(fleet.Endpoints(0));
        http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", ScrapeFigures.OwnLook);
    }

    public LocalFleet Fleet { get; }

    /// <summary>Between the Gateway and its STS.</summary>
    public CutLine Line { get; }

    public WireClient Client { get; }

    public GovernedZone Zone { get; private set; } = null!;

    /// <summary>May read and write.</summary>
    public AgentAuthority Authority { get; private set; } = null!;

    /// <summary>May only read.</summary>
    public AgentAuthority Narrow { get; private set; } = null!;

    /// <summary>Requests that reached the upstream.</summary>
    public int Forwarded => upstream.Seen.Count;

    public static async Task<DrillSystem> StartAsync(CancellationToken stop)
    {
        var target = await LoopbackUpstream.StartAsync(remember: true, stop);
        CutLine? line = null;
        DrillSystem? system = null;
        try
        {
            var fleet = await LocalFleet.StartAsync(1, Settings, stop, lineToSts: url => (line = CutLine.To(new Uri(url))).Url);
            system = new DrillSystem(fleet, line!, target);
            await system.GovernAsync(stop);
            return system;
        }
        catch
        {
            if (system is not null) await system.DisposeAsync();
            else
            {
                if (line is not null) await line.DisposeAsync();
                await target.DisposeAsync();
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Fleet.DisposeAsync();
        await Line.DisposeAsync();
        await upstream.DisposeAsync();
        Client.Dispose();
        http.Dispose();
    }

    /// <summary>Two sessions and a delegation between them.</summary>
    public Task<AgentAuthority> NewAuthorityAsync(CancellationToken stop) => application.ProvisionAsync([GovernedScopes.Read, GovernedScopes.Write], 2, stop);

    /// <summary>Asks for a mandate; status 0 when nobody answers.</summary>
    public Task<WireAnswer> MintAsync(AgentAuthority authority, string scope, CancellationToken stop) => TryAsync(limit => application.MintAsync(authority, scope, limit), stop);

    /// <summary>Spends a mandate at the Gateway; status 0 when nobody answers.</summary>
    public async Task<WireAnswer> CallAsync(string mandate, CancellationToken stop)
    {
        var answer = await TryAsync(limit => Client.GovernedAsync(HttpMethod.Get, "/reports", mandate, Zone.Blueprint.Resource, limit), stop);
        if (answer.IsSuccess) answered.Enqueue(answer.RequestId);
        return answer;
    }

    /// <summary>Mints and calls.</summary>
    public async Task<(bool Ok, string Detail)> TryAllowedAsync(CancellationToken stop)
    {
        var mandate = await MintAsync(Authority, GovernedScopes.Read, stop);
        if (!mandate.IsSuccess) return (false, $"mint {mandate.Status} {mandate["error"]}");
        var call = await CallAsync(mandate["access_token"], stop);
        return (call.IsSuccess, $"call {call.Status} {call["error"]}".TrimEnd());
    }

    /// <summary>Ends a session at the Coordinator.</summary>
    public Task<WireAnswer> EndSessionAsync(AgentAuthority authority, CancellationToken stop) => TryAsync(
        limit => Client.CoordinatorAsync(HttpMethod.Delete, $"/zones/{Zone.ZoneId}/agents/{authority.SessionId}", Fleet.Files.CoordinatorToken, null, limit), stop);

    /// <summary>A call to the API as its administrator.</summary>
    public Task<WireAnswer> ApiAsync(HttpMethod method, string path, string? json, CancellationToken stop) =>
        TryAsync(limit => Client.ApiAsync(method, $"/v1/zones/{Zone.ZoneId}{path}", Fleet.Files.AdminToken, json, limit), stop);

    /// <summary>Status and body; 0 when nobody answers. With the metrics token, which opens figures and internal routes.</summary>
    public async Task<(int Status, string Body)> AskAsync(string role, string path, CancellationToken stop, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience ?? CallTime);
        using var request = new HttpRequestMessage(HttpMethod.Get, Fleet.Find(role).Url + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Fleet.Files.MetricsToken);
        try
        {
            using var answer = await http.SendAsync(request, limit.Token);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(limit.Token));
        }
        catch (Exception fault) when (fault is HttpRequestException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return (0, "no answer");
        }
    }

    /// <summary>All series whose names begin so, added up; 0 where there are none.</summary>
    public async Task<double> SumAsync(string role, string series, CancellationToken stop) =>
        MetricsPage.Read((await AskAsync(role, "/metrics", stop)).Body).Where(figure => figure.Key.StartsWith(series, StringComparison.Ordinal)).Sum(figure => figure.Value);

    /// <summary>Whether every call that was allowed has its events.</summary>
    public async Task<(bool Ok, string Detail)> TryFindEvidenceAsync(CancellationToken stop)
    {
        var missing = 0;
        foreach (var request in answered)
        {
            var events = await ApiAsync(HttpMethod.Get, $"/audit?request_id={Uri.EscapeDataString(request)}", null, stop);
            if (!events.IsSuccess || !events.Body.TryGetProperty("items", out var items) || items.GetArrayLength() == 0) missing++;
        }

        return (missing == 0, $"{missing} of {answered.Count} are missing");
    }

    /// <summary>One command to Redis as its administrator.</summary>
    public async Task<RespValue> RedisAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        if (!RedisOptions.TryParse(Fleet.Redis.Url, out var options, out var fault)) throw new CommandFailure(fault);
        await using var connection = new RedisConnection(options);
        var reply = await connection.ExecuteAsync(command, stop);
        return reply.Kind == RespKind.Error ? throw new CommandFailure($"Redis refused {command[0]}: {reply.ErrorCode}") : reply;
    }

    /// <summary>One statement as the owner of the database.</summary>
    public async Task<int> SqlAsync(string sql, object values, CancellationToken stop)
    {
        await using var database = Owner();
        return await database.WriteAsync(work => work.Connection.ExecuteAsync(sql, values), stop);
    }

    /// <summary>Whether an outbox holds a row that waits or was given up, or a topic a dead letter: asked of the stores themselves, which know at once.</summary>
    public async Task<(bool Ok, string Detail)> NothingWaitsAsync(CancellationToken stop)
    {
        await using var database = Owner();
        var rows = await database.ReadAsync(
            connection => connection.ExecuteScalarAsync<long>("SELECT (SELECT count(*) FROM event_outbox WHERE dispatched_at IS NULL) + (SELECT count(*) FROM caracal_outbox WHERE status IN ('pending', 'dead'))"), stop);
        var dead = 0L;
        foreach (var topic in DeadTopics) dead += (await RedisAsync(["XLEN", topic], stop)).Integer;
        return (rows == 0 && dead == 0, $"{rows} rows in outboxes, {dead} dead letters");
    }

    /// <summary>Every chain, with the audit key.</summary>
    public async Task<(bool Ok, string Detail)> VerifyLedgerAsync(CancellationToken stop)
    {
        var keys = new SecretSource(Fleet.Files.Variables, role: null, published: true).HmacRing(SecretFiles.AuditHmacKey, required: true);
        await using var store = Owner();
        var report = await new LedgerVerification(store, keys).VerifyAllAsync(stop);
        return (report.IsClean, $"{report.Checked} events");
    }

    private PostgresDatabase Owner() => new(
        PostgresAddress.Parse(Fleet.Postgres.Url(LocalFleet.DatabaseName)), new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0, Instance = "drill" });

    private async Task GovernAsync(CancellationToken stop)
    {
        Zone = await GovernedZone.CreateAsync(
            Client, Fleet.Files.AdminToken, new ZoneBlueprint { Name = "Drill", UpstreamUrl = upstream.Url, ApiKey = "drill-upstream-key" }, stop);
        application = new AgentApplication(Client, Zone);
        Authority = await NewAuthorityAsync(stop);
        Narrow = await application.ProvisionAsync([GovernedScopes.Read], 2, stop);
    }

    private static async Task<WireAnswer> TryAsync(Func<CancellationToken, Task<WireAnswer>> ask, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(CallTime);
        try
        {
            return await ask(limit.Token);
        }
        catch (Exception fault) when (fault is HttpRequestException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return new WireAnswer(0, "", default, "");
        }
    }
}
