using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Settings;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Privileges;
using Caracal.Streams.State;
using Caracal.TestKit;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Tests;

/// <summary>An answer as a client sees it.</summary>
internal sealed record Reply(int Status, string Text, HttpResponseMessage Message)
{
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    public string? Error => Json.GetProperty("error").GetString();

    public string? Header(string name) =>
        Message.Headers.TryGetValues(name, out var values) || Message.Content.Headers.TryGetValues(name, out values) ? string.Join(",", values) : null;

    public string Get(string name) => Json.GetProperty(name).GetString()!;
}

/// <summary>The API on a real port over a real store, in dev mode with every key set.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string AdminToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    public const string AuditKeyHex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private readonly RoleServer _server;
    private readonly ControlPlaneService _service;
    private readonly InProcessState _state;
    private readonly HttpClient _http;
    private readonly TestStore _store;
    private readonly bool _ownsStore;

    private ApiHost(RoleServer server, ControlPlaneService service, InProcessState state, TestStore store, bool ownsStore, TestPolicyRuntime runtime)
    {
        _server = server;
        _service = service;
        _state = state;
        _ownsStore = ownsStore;
        _store = store;
        Runtime = runtime;
        _http = new HttpClient { BaseAddress = new Uri(server.Address) };
    }

    public Database Database => _store.Database;

    /// <summary>For a second replica.</summary>
    public TestStore Store => _store;

    public TestPolicyRuntime Runtime { get; }

    /// <summary>The service itself, for its route list and its jobs.</summary>
    public ControlPlaneService Service => _service;

    public string Address => _server.Address;

    public static async Task<ApiHost> StartAsync(
        IReadOnlyDictionary<string, string?>? more = null, TestStore? store = null, TimeProvider? time = null, Engine engine = Engine.Sqlite,
        ISharedState? shared = null, HttpMessageInvoker? http = null, TextWriter? log = null, IZoneKeys? zoneKeys = null)
    {
        var used = store ?? await TestStore.CreateAsync(engine, ServiceRole.Api);
        var database = used.Database;
        var environment = new Dictionary<string, string?>
        {
            ["CARACAL_MODE"] = "dev",
            ["PORT"] = "0",
            ["ZONE_KEK"] = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01",
            ["AUDIT_HMAC_KEY"] = AuditKeyHex,
            ["CARACAL_ADMIN_TOKEN"] = AdminToken,
            ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
            ["ADMIN_AUTH_FAIL_LIMIT_PER_MIN"] = "0",
        };
        foreach (var (name, value) in more ?? new Dictionary<string, string?>()) environment[name] = value;
        var reader = new SettingsReader(environment, ControlPlaneSettings.Role);
        var settings = ControlPlaneSettings.Read(reader);
        reader.ThrowIfFaulty();

        var clock = new DatabaseClock(database, time ?? TimeProvider.System);
        await clock.MeasureAsync(CancellationToken.None);
        var state = new InProcessState(time ?? TimeProvider.System);
        var logging = new JsonLineLogging(log ?? TextWriter.Null, log is null ? LogLevel.Error : LogLevel.Debug, "test", "test");
        var runtime = new TestPolicyRuntime();
        var service = new ControlPlaneService(settings, new ControlPlaneDependencies
        {
            Database = database,
            Clock = clock,
            State = shared ?? state,
            Buckets = shared as ISharedBuckets ?? state,
            ZoneKeys = zoneKeys,
            Policies = runtime,
            Http = http,
            Log = logging.CreateLogger("api"),
            Lines = logging,
        });
        var server = RoleServer.Create(service.ServerOptions, logging);
        service.MapRoutes(server.Application);
        await service.StartAsync(CancellationToken.None);
        await server.StartAsync(CancellationToken.None);
        return new ApiHost(server, service, state, used, store is null, runtime);
    }

    public Task<Reply> GetAsync(string path, string? token = AdminToken) => SendAsync("GET", path, null, token);

    public Task<Reply> PostAsync(string path, string? json = null, string? token = AdminToken) => SendAsync("POST", path, json, token);

    public Task<Reply> PatchAsync(string path, string json, string? token = AdminToken) => SendAsync("PATCH", path, json, token);

    public Task<Reply> DeleteAsync(string path, string? token = AdminToken) => SendAsync("DELETE", path, null, token);

    public async Task<Reply> SendAsync(
        string method, string path, string? body, string? token = AdminToken, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        var response = await _http.SendAsync(request);
        return new Reply((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response);
    }

    /// <summary>A new zone; returns its id.</summary>
    public async Task<string> ZoneAsync(string name = "Pied Piper")
    {
        var reply = await PostAsync("/v1/zones", $$"""{"name":"{{name}}"}""");
        Assert.Equal(201, reply.Status);
        return reply.Get("id");
    }

    /// <summary>A provider of kind <c>none</c>; returns its id.</summary>
    public async Task<string> ProviderAsync(string zone)
    {
        var reply = await PostAsync($"/v1/zones/{zone}/providers", """{"name":"none","kind":"none"}""");
        Assert.Equal(201, reply.Status);
        return reply.Get("id");
    }

    /// <summary>An application; returns its id.</summary>
    public async Task<string> ApplicationAsync(string zone, string name = "app")
    {
        var reply = await PostAsync($"/v1/zones/{zone}/applications", $$"""{"name":"{{name}}","registration_method":"managed"}""");
        Assert.Equal(201, reply.Status);
        return reply.Get("id");
    }

    /// <summary>A zone token of some capability; returns the token.</summary>
    public async Task<string> TokenAsync(string? zone, string capability = "write")
    {
        var reply = await PostAsync(
            "/v1/admin-tokens",
            zone is null
                ? $$"""{"name":"t","scope":"global","capability":"{{capability}}"}"""
                : $$"""{"name":"t","scope":"zone","zone_id":"{{zone}}","capability":"{{capability}}"}""");
        Assert.Equal(201, reply.Status);
        return reply.Get("token");
    }

    /// <summary>Rows of a query as flat text, oldest first.</summary>
    public Task<List<Dictionary<string, string?>>> RowsAsync(string sql) => _store.Owner.ReadAsync(async connection =>
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<Dictionary<string, string?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(
                reader.GetName, i => reader.IsDBNull(i) ? null : Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture)));
        }

        return rows;
    });

    /// <summary>Payloads announced on a stream, oldest first.</summary>
    public async Task<List<JsonElement>> AnnouncedAsync(string stream) =>
        (await RowsAsync($"SELECT payload_json FROM event_outbox WHERE stream_name = '{stream}' ORDER BY rowid"))
        .ConvertAll(row => JsonDocument.Parse(row["payload_json"]!).RootElement);

    /// <summary>Runs statements the API itself never would, to prepare state of other services.</summary>
    public Task ExecuteAsync(string sql) => _store.Owner.WriteAsync(async work =>
    {
        await using var command = work.Connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    });

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.StopAsync(CancellationToken.None);
        await _service.DisposeAsync();
        await _server.DisposeAsync();
        _state.Dispose();
        if (_ownsStore) await _store.DisposeAsync();
    }
}
