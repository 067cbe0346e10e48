using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Hosting.Logging;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Privileges;
using Caracal.Streams;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Caracal.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Tests.Support;

/// <summary>
/// A Coordinator on a real port over a real SQLite file: zone <c>z1</c> with applications <c>app1</c>, <c>app2</c> and
/// the self-registered <c>dcr1</c>, resources r1 and r2, and an authority record for each application and one user.
/// </summary>
internal sealed class TestCoordinator : IAsyncDisposable
{
    public const string Zone = "z1";
    private readonly TestStore _store;
    private readonly HttpClient _http;
    private readonly CoordinatorService _service;
    private readonly List<StreamEntry> _untaken = [];

    private TestCoordinator(TestStore store, DatabaseClock clock, TestTime time, CoordinatorSettings settings, ISharedState? state)
    {
        _store = store;
        Time = time;
        Settings = settings;
        Signer = new ZoneSigner(settings.IssuerUrl, time);
        Streams = new InProcessStreams(time);
        _service = new CoordinatorService(settings, new CoordinatorDependencies
        {
            Database = store.Database,
            Clock = clock,
            Streams = Streams,
            State = state ?? new InProcessState(time),
            ZoneKeys = Signer,
            Logging = new JsonLineLogging(Console.Error, LogLevel.Error, "test", "test"), // a 500 shows its cause
        });
        _http = new HttpClient();
    }

    public TestStore Store => _store;
    public Database Owner => _store.Owner;
    public TestTime Time { get; }
    public CoordinatorSettings Settings { get; }
    public ZoneSigner Signer { get; }
    public InProcessStreams Streams { get; }

    public int Port => new Uri(_service.Address).Port;

    /// <summary>The lifecycle mandate of <c>app1</c>.</summary>
    public string App1 => Token("app1");

    public static async Task<TestCoordinator> StartAsync(
        Action<Dictionary<string, string?>>? configure = null, ISharedState? state = null, Engine engine = Engine.Sqlite, bool clockFails = false)
    {
        var environment = TestSettings.Environment();
        configure?.Invoke(environment);
        var time = new TestTime();

        // SQLite runs on the test's clock; PostgreSQL's offset is measured before the test moves the clock on.
        var store = await TestStore.CreateAsync(engine, ServiceRole.Coordinator, time);
        var clock = new DatabaseClock(store.Database, time);
        if (!clockFails)
        {
            await clock.MeasureAsync(default);
        }

        var coordinator = new TestCoordinator(store, clock, time, TestSettings.Read(environment), state);
        await coordinator.SeedAsync();
        foreach (var topic in new[] { "caracal.agents.lifecycle", "caracal.sessions.revoke", "caracal.delegations.invalidate" })
        {
            await coordinator.Streams.EnsureGroupAsync(topic, "test", fromBeginning: true, shared: false, default);
        }

        await coordinator._service.StartAsync(default);
        return coordinator;
    }

    public string Token(string application, params ReadOnlySpan<string> scopes) =>
        Signer.Sign(Signer.Claims(Zone, application, $"rec-{application}", scopes));

    public string Token(MandateClaims claims) => Signer.Sign(claims);

    public Task<Answer> GetAsync(string path, string? token) => SendAsync("GET", path, token);

    public Task<Answer> PostAsync(string path, string? token, string? body, params (string Name, string Value)[] headers) =>
        SendAsync("POST", path, token, body, headers: headers);

    public async Task<Answer> SendAsync(
        string method, string path, string? token, string? body = null, string mediaType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), _service.Address + path);
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        }

        using var response = await _http.SendAsync(request);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.First(), StringComparer.Ordinal));
    }

    /// <summary>Starts a Session and returns its id.</summary>
    public async Task<string> StartSessionAsync(string application = "app1", string more = "", string? token = null)
    {
        var answer = await PostAsync($"/zones/{Zone}/agents", token ?? Token(application), $$"""{"application_id":"{{application}}"{{more}}}""");
        Assert.Equal(201, answer.Status);
        return answer.Json.GetProperty("agent_session_id").GetString()!;
    }

    /// <summary>Delegates and returns the answer.</summary>
    public Task<Answer> DelegateAsync(string source, string target, string more = "", string? token = null, string issuer = "app1", string receiver = "app1") =>
        PostAsync($"/zones/{Zone}/delegations", token ?? Token(issuer),
            $$"""
            {"source_session_id":"{{source}}","target_session_id":"{{target}}","issuer_application_id":"{{issuer}}",
             "receiver_application_id":"{{receiver}}"{{more}}}
            """);

    public Task ExecuteAsync(string sql, object? parameters = null) => Owner.WriteAsync(work => work.Connection.ExecuteAsync(sql, parameters));

    public Task<T?> ScalarAsync<T>(string sql, object? parameters = null) =>
        Owner.ReadAsync(connection => connection.ExecuteScalarAsync<T>(sql, parameters));

    /// <summary>
    /// The first message of the topic that matches and was not taken yet; delivery is unordered. Every message read must
    /// carry a valid signature.
    /// </summary>
    public async Task<StreamEntry> NextAsync(string topic, Func<StreamEntry, bool> matches)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (_untaken.Find(entry => entry.Topic == topic && matches(entry)) is null)
        {
            foreach (var entry in await Streams.ReadAsync([topic], "test", "test", 50, TimeSpan.FromSeconds(20), limit.Token))
            {
                var verdict = StreamSignature.Verify(
                    HmacKeyRing.Of(KeyClass.StreamsHmac, Convert.FromHexString(TestSettings.StreamsKey)), topic, entry.Fields.ToArray(), out _);
                Assert.Equal(StreamVerdict.Accepted, verdict);
                _untaken.Add(entry);
            }
        }

        var taken = _untaken.Find(entry => entry.Topic == topic && matches(entry))!;
        _untaken.Remove(taken);
        return taken;
    }

    /// <summary>Stops the service; the store stays open to be looked at.</summary>
    public Task StopAsync() => _service.StopAsync(default);

    /// <summary>Runs the retention cleaner once, as its interval would.</summary>
    public Task CleanAsync() => RunJobAsync("retention_cleanup");

    public Task RunJobAsync(string name) => _service.RunJobAsync(name, default);

    public async ValueTask DisposeAsync()
    {
        await _service.StopAsync(default);
        await _service.DisposeAsync();
        await _store.DisposeAsync();
        _http.Dispose();
    }

    private Task SeedAsync() => Owner.WriteAsync(async work =>
    {
        var now = Time.GetUtcNow();
        var far = now.AddYears(1);
        await work.Connection.ExecuteAsync(
            "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES ('z1', 'Zone', 'zone', @now, @now), ('z2', 'Other', 'other', @now, @now)", new { now });
        foreach (var (id, method) in new[] { ("app1", "managed"), ("app2", "managed"), ("dcr1", "dcr") })
        {
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO applications (id, zone_id, name, registration_method, traits, expires_at, created_at)
                VALUES (@id, 'z1', @id, @method, @traits, @expires, @now)
                """,
                new { id, method, traits = Array.Empty<string>(), expires = method == "dcr" ? far : (DateTimeOffset?)null, now });
            await AddRecordAsync(work, $"rec-{id}", "application", id, far, now);
        }

        await AddRecordAsync(work, "rec-user", "user", "user-1", far, now);
        await work.Connection.ExecuteAsync(
            """
            INSERT INTO providers (id, zone_id, name, identifier, provider_kind, config_json, secret_config_keys, created_at, updated_at)
            VALUES ('p1', 'z1', 'None', 'provider://none', 'none', @config, @keys, @now, @now)
            """,
            new { config = new JsonText("{}"), keys = Array.Empty<string>(), now });
        foreach (var (id, scopes) in new[] { ("r1", new[] { "read", "write" }), ("r2", new[] { "read", "admin" }) })
        {
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO resources (id, zone_id, name, identifier, credential_provider_id, scopes, operations, created_at, updated_at)
                VALUES (@id, 'z1', @id, @identifier, 'p1', @scopes, @operations, @now, @now)
                """,
                new { id, identifier = $"resource://{id}", scopes, operations = new JsonText("[]"), now });
        }
    });

    public static Task AddRecordAsync(Work work, string id, string type, string subject, DateTimeOffset expires, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
            VALUES (@id, 'z1', @type, @subject, 'active', @expires, @now, @now)
            """,
            new { id, type, subject, expires, now });
}

/// <summary>What came back.</summary>
internal sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? Error => Json.GetProperty("error").GetString();

    /// <summary>Asserts a refusal with its status and code, in the full envelope.</summary>
    public void AssertRefused(int status, string code)
    {
        Assert.Equal((status, code), (Status, Body.Length == 0 ? "" : Error));
        Assert.Equal(Headers["x-request-id"], Json.GetProperty("request_id").GetString());
        Assert.Equal(Headers["x-request-id"], Json.GetProperty("requestId").GetString());
        Assert.NotEqual("", Json.GetProperty("error_description").GetString());
    }
}
