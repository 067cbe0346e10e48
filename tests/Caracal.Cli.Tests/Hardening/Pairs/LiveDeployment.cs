using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;
using Caracal.Cli.Tests.Deploy;
using Caracal.Stack;
using Microsoft.Data.Sqlite;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>
/// The good deployment: services that run in stable with a governed zone and an operator's token, a backup that was restored
/// once, rendered objects, a monitoring system. Tests take copies of what they change.
/// </summary>
public sealed class LiveDeployment : IAsyncLifetime
{
    private const string Rules =
        "CaracalAuditTamperDetected,CaracalRevocationLag,CaracalRevocationIneffective,CaracalRevocationDeadLetters,"
        + "CaracalDenialSpikeSignature,CaracalDenialSpikeJtiReplay,CaracalDenialSpikeRevoked,CaracalDenialSpikeStsExchange";

    private readonly PrivateStack _files = new(folder: null, new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["CARACAL_MODE"] = "stable",
        ["CARACAL_INTERNAL_PLAINTEXT"] = "true",
        ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true",
        ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = "true",
        ["ALLOW_PRIVATE_UPSTREAMS"] = null,
        ["HOST"] = "127.0.0.1",
        ["UPSTREAM_HOST_ALLOWLIST"] = "api.example.com",
        ["CARACAL_CONTROL_ENABLED"] = "true",
        ["CONTROL_GATE_FILE"] = "/dev/null", // a file that is there
        ["CONTROL_API_TOKEN"] = RandomNumberGenerator.GetHexString(64, lowercase: true),
        ["COORDINATOR_RATE_LIMIT_PER_MIN"] = "0",
        ["CONTROL_INVOKE_IP_RATE_LIMIT_PER_MIN"] = "0",
        ["STS_JWKS_URL"] = "http://127.0.0.1:9/jwks",
        ["STS_ISSUER_URL"] = "http://127.0.0.1:9",
        ["API_V1_RATE_LIMIT_PER_MIN"] = "0", // a look asks a dozen times, and there are hundreds of looks
        ["ADMIN_AUTH_FAIL_LIMIT_PER_MIN"] = "1000000",
    });

    private readonly Dictionary<string, Edge> _edges = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ending = new();
    private Task _scraping = Task.CompletedTask;
    private CaracalStack? _stack;
    private ForeignServer? _prometheus;

    /// <summary>A service as a caller reaches it: through the edge in front of it.</summary>
    internal string Url(string service) => _edges[service].Url;

    /// <summary>A service itself.</summary>
    internal string ServiceUrl(string service) => _files.Urls[service];

    internal string Prometheus => _prometheus!.Url;

    internal string Secrets => _files.Secrets;

    internal string AdminToken => _files.AdminToken;

    internal string ZoneId { get; private set; } = "";

    /// <summary>Store, backups and record of drills, as they were when all was good.</summary>
    internal string Snapshot => Path.Combine(_files.Folder, "snapshot");

    /// <summary>How every check was before any fault.</summary>
    internal Dictionary<string, (string Status, bool Evaluated, string Detail)> Hardened { get; private set; } = [];

    /// <summary>How every question of the doctor was answered before any fault.</summary>
    internal Dictionary<string, (string Status, bool Evaluated, string Detail)> Diagnosed { get; private set; } = [];

    /// <summary>The chart's objects, images by digest.</summary>
    internal static string Objects => ObjectCheckTests.Chart.Replace("caracal-server:v1.0.0", "caracal-server@sha256:0123", StringComparison.Ordinal);

    /// <summary>A monitoring system that has loaded rules and counted deliveries.</summary>
    internal static ForeignServer Monitoring(string rules = Rules, string delivered = "3") => ForeignServer.Http(new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["/api/v1/rules"] = Answer(new { groups = new[] { new { rules = rules.Split(',').Select(rule => new { name = rule }) } } }),
        ["/api/v1/query"] = Answer(new { resultType = "vector", result = new[] { new { metric = new { }, value = new object[] { 1, delivered } } } }),
    });

    /// <summary>The rules without one of them.</summary>
    internal static string RulesWithout(string rule) => string.Join(',', Rules.Split(',').Where(name => name != rule));

    private static string Answer(object data) => JsonSerializer.Serialize(new { status = "success", data });

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        _stack = await CaracalStack.StartAsync(new StackOptions { Variables = _files.Variables, DataDirectory = _files.Data, Log = TextWriter.Null }, limit.Token);
        foreach (var (service, url) in _files.Urls) _edges[service] = new Edge(url);
        _prometheus = Monitoring();
        await ScrapeAsync(limit.Token);
        _scraping = ScrapeAgainAsync();
        using (var wire = new WireClient(WireEndpoints.From(_stack.Urls)))
        {
            var zone = await GovernedZone.CreateAsync(wire, AdminToken, new ZoneBlueprint { Name = "Good", UpstreamUrl = "https://api.example.com", ApiKey = "key" }, limit.Token);
            ZoneId = zone.ZoneId;
            var token = JsonSerializer.Serialize(new { name = "operator", scope = "global", capability = "write" });
            (await wire.ApiAsync(HttpMethod.Post, "/v1/admin-tokens", AdminToken, token, limit.Token)).Require("admin token");
        }

        await KeepAsync();
        using var deployment = new GoodDeployment(this);
        Hardened = await deployment.HardenAsync(CheckPairTests.Stores);
        Diagnosed = await deployment.DoctorAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _scraping;
        _ending.Dispose();
        foreach (var edge in _edges.Values) edge.Dispose();
        _prometheus?.Dispose();
        if (_stack is not null)
        {
            await _stack.StopAsync();
            await _stack.DisposeAsync();
        }

        _files.Dispose();
    }

    // As a monitoring system does.
    private async Task ScrapeAsync(CancellationToken stop)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _files.MetricsToken);
        foreach (var service in Cli.Hardening.LiveServices.Names) await client.GetStringAsync(new Uri(ServiceUrl(service) + "/metrics"), stop);
    }

    private async Task ScrapeAgainAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1));
        try
        {
            while (await timer.WaitForNextTickAsync(_ending.Token)) await ScrapeAsync(_ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The tests are over.
        }
    }

    // A backup, its restore, and the store as it is now; the running one goes on writing its own.
    private async Task KeepAsync()
    {
        using var operations = new Running(("CARACAL_HOME", Snapshot), ("CARACAL_SECRETS_DIR", Secrets), ("CARACAL_MODE", "stable"));
        var backup = await operations.RunAsync("backup", "--data", _files.Data);
        Assert.True(backup.Exit == 0, backup.Output + backup.Error);
        var drill = await operations.RunAsync("drill", "restore");
        Assert.True(drill.Exit == 0, drill.Output + drill.Error);
        var store = CaracalStack.DatabasePath(Directory.CreateDirectory(Path.Combine(Snapshot, "data")).FullName);
        await using var connection = new SqliteConnection($"Data Source={CaracalStack.DatabasePath(_files.Data)};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"VACUUM INTO '{store}'";
        await command.ExecuteNonQueryAsync();
        await using var kept = new SqliteConnection($"Data Source={store};Pooling=False");
        await kept.OpenAsync();
        await using var putAway = kept.CreateCommand();
        putAway.CommandText = "UPDATE admin_tokens SET last_used_at = NULL WHERE created_by = 'env-bootstrap'"; // it set all this up
        await putAway.ExecuteNonQueryAsync();
    }
}
