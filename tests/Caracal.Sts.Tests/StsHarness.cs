using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Evidence.Journals;
using Caracal.Evidence.Trail;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Outbox;
using Caracal.Storage.Privileges;
using Caracal.Streams.InProcess;
using Caracal.TestKit;
using Dapper;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Tests;

/// <summary>An STS on a real port over a real store, with one zone ready to be governed.</summary>
internal sealed class StsHarness : IAsyncDisposable
{
    public const string Issuer = "https://sts.example.com";
    public const string Zone = "zone-1";
    public const string Application = "app-p";
    public const string Secret = "cs_0123456789abcdefghijABCDEFGHIJ_secret";
    public const string Resource = "resource://nucleus";

    private const string Data =
        """
        # caracal:data-document
        package caracal.authz

        import rego.v1

        app_ids := {"payments": "app-p"}
        grants := {
            "resource://nucleus": {"application": "payments", "roles": {"payer": ["nucleus:pay", "nucleus:read"]}},
            "resource://keyed": {"application": "payments", "roles": {"payer": ["keyed:use"]}},
            "resource://open": {"application": "payments", "roles": {"payer": ["open:use"]}},
        }
        """;

    private static readonly byte[] GatewayKey = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private readonly TestStore _store;
    private readonly DirectoryInfo _journal;
    private readonly StringWriter _log = new();
    private HttpMessageInvoker? _issuers;
    private TimeProvider _time = TimeProvider.System;
    private StsReplica _replica;
    private AuditTrail _trail;

    private StsHarness(TestStore store, DirectoryInfo journal, StsSettings settings, CapturedAudit audit, AuditTrail trail, BreakableState state)
    {
        _store = store;
        _journal = journal;
        _trail = trail;
        _replica = null!;
        Settings = settings;
        Audit = audit;
        State = state;
        Service = null!;
        Client = null!;
    }

    public string Log => _log.ToString();
    public StsSettings Settings { get; }
    public CapturedAudit Audit { get; }
    public BreakableState State { get; }
    public InProcessStreams Streams { get; } = new(TimeProvider.System);
    public StsService Service { get; private set; }
    public HttpClient Client { get; private set; }
    public Database Database => _store.Database;
    public Database Owner => _store.Owner;
    public DatabaseClock Clock { get; private set; } = null!;

    public static Task<StsHarness> StartAsync(params (string Name, string Value)[] variables) => StartAsync(Engine.Sqlite, variables);

    public static Task<StsHarness> StartAsync(Engine engine, params (string Name, string Value)[] variables) => StartAsync(engine, null, variables);

    public static Task<StsHarness> StartAsync(Engine engine, HttpMessageHandler? issuers, params (string Name, string Value)[] variables) =>
        StartAsync(engine, issuers, null, variables);

    /// <param name="engine">The store's engine.</param>
    /// <param name="issuers">How issuers and token endpoints are called; null for the real guard.</param>
    /// <param name="time">The process clock; null for the system's.</param>
    /// <param name="variables">Settings.</param>
    public static async Task<StsHarness> StartAsync(
        Engine engine, HttpMessageHandler? issuers, TimeProvider? time, params (string Name, string Value)[] variables)
    {
        var store = await TestStore.CreateAsync(engine, ServiceRole.Sts);
        var journal = Directory.CreateTempSubdirectory("caracal-sts-test-");
        var audit = new CapturedAudit();
        var trail = OpenTrail(journal, audit);
        var harness = new StsHarness(store, journal, Read(variables), audit, trail, new BreakableState())
        {
            _time = time ?? TimeProvider.System,
            _issuers = issuers is null ? null : new HttpMessageInvoker(issuers, disposeHandler: false),
        };
        await harness.SeedAsync();
        await harness.RunAsync();
        return harness;
    }

    /// <summary>Stops the service and starts another over the same store and journal, as a restart of the process does.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await _store.ReopenAsync();
        _trail = OpenTrail(_journal, Audit);
        await RunAsync();
    }

    public static StsSettings Read(params (string Name, string Value)[] variables)
    {
        var reader = Reader(variables);
        var settings = StsSettings.Read(reader);
        reader.ThrowIfFaulty();
        return settings!;
    }

    public static SettingsReader Reader(params (string Name, string Value)[] variables)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["CARACAL_MODE"] = "dev",
            ["PORT"] = "0",
            ["ISSUER_URL"] = Issuer,
            ["ZONE_KEK"] = "8f3b1c5d7e9a0b2c4d6e8f1a3b5c7d9e0f2a4c6e8b1d3f5a7c9e0b2d4f6a8c1e",
            ["GATEWAY_STS_HMAC_KEY"] = Convert.ToHexStringLower(GatewayKey),
        };
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        return new SettingsReader(environment, "sts");
    }

    /// <summary>The fields of a bootstrap by the zone's application.</summary>
    public static List<KeyValuePair<string, string>> Bootstrap(params (string Name, string? Value)[] changes) =>
        With(
            [
                new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                new("zone_id", Zone),
                new("application_id", Application),
                new("client_secret", Secret),
                new("resource", Resource),
                new("scope", "agent:lifecycle"),
            ],
            changes);

    /// <summary>The fields of a delegated mint.</summary>
    public static List<KeyValuePair<string, string>> Mint(params (string Name, string? Value)[] changes) =>
        With(
            Bootstrap(("scope", "nucleus:pay"), ("agent_session_id", "s2"), ("delegation_edge_id", "e1")),
            changes);

    public Task<Answer> PostAsync(IEnumerable<KeyValuePair<string, string>> form, string? requestId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/oauth/2/token") { Content = new FormUrlEncodedContent(form) };
        if (requestId is not null)
        {
            request.Headers.Add("X-Request-Id", requestId);
        }

        return SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default, response);
    }

    public Task<Answer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>A signed call of the Gateway or the API.</summary>
    public HttpRequestMessage Signed(HttpMethod method, string path, byte[] body, string? nonce = null, long skew = 0, string? requestId = null)
    {
        var ring = HmacKeyRing.Of(KeyClass.GatewayStsHmac, GatewayKey);
        var timestamp = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + skew).ToString();
        nonce ??= GatewaySignature.NewNonce();
        var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        }

        request.Headers.Add(GatewaySignature.TimestampHeader, timestamp);
        request.Headers.Add(GatewaySignature.NonceHeader, nonce);
        request.Headers.Add(GatewaySignature.SignatureHeader, GatewaySignature.Sign(ring, timestamp, nonce, method.Method, path, body));
        if (requestId is not null)
        {
            request.Headers.Add("X-Request-Id", requestId);
        }

        return request;
    }

    /// <summary>The form of a Gateway exchange.</summary>
    public static byte[] GatewayForm(string token, string requestId, string method = "GET", string path = "/pay", string resource = Resource) =>
        Encoding.UTF8.GetBytes(new FormUrlEncodedContent(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("zone_id", Zone),
            new("application_id", Application),
            new("subject_token", token),
            new("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            new("resource", resource),
            new("request_method", method),
            new("request_path", path),
            new("gateway_request_id", requestId),
        ]).ReadAsStringAsync().GetAwaiter().GetResult());

    public Task<Answer> ExchangeAsync(string token, string method = "GET", string path = "/pay", string resource = Resource)
    {
        var requestId = Ids.New();
        return SendAsync(Signed(HttpMethod.Post, "/oauth/2/token", GatewayForm(token, requestId, method, path, resource), requestId: requestId));
    }

    /// <summary>A fresh gateway mandate.</summary>
    public async Task<string> MintAsync(params (string Name, string? Value)[] changes)
    {
        var answer = await PostAsync(Mint(changes));
        Assert.Equal(200, answer.Status);
        return answer.Token;
    }

    public Task SqlAsync(string sql, object? parameters = null) =>
        Owner.WriteAsync(async work => { await work.Connection.ExecuteAsync(sql, parameters); });

    public Task<T?> ScalarAsync<T>(string sql, object? parameters = null) =>
        Owner.ReadAsync(connection => connection.ExecuteScalarAsync<T>(sql, parameters));

    /// <summary>Everything recorded so far.</summary>
    public async Task<IReadOnlyList<JsonElement>> EventsAsync()
    {
        await _trail.FlushAsync(CancellationToken.None);
        return Audit.All;
    }

    /// <summary>The statuses of the deny events recorded so far.</summary>
    public async Task<IReadOnlyList<string>> DenialsAsync() =>
        [.. (await EventsAsync()).Where(e => e.GetProperty("decision").GetString() == "deny").Select(e => e.GetProperty("evaluation_status").GetString()!)];

    /// <summary>Makes these sources the zone's active policy set; returns the version id.</summary>
    public async Task<string> ActivateAsync(params string[] sources)
    {
        var now = DateTimeOffset.UtcNow;
        var ids = sources.Select(_ => Ids.New()).ToArray();
        var version = Ids.New();
        var manifest = PolicyManifest.ToJson(ids);
        await Owner.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync(
                "INSERT INTO policies (id, zone_id, name, created_by, created_at, updated_at) VALUES ('pol', @Zone, 'p', 't', @now, @now) ON CONFLICT DO NOTHING",
                new { Zone, now });
            await work.Connection.ExecuteAsync(
                "INSERT INTO policy_sets (id, zone_id, name, created_by, created_at, updated_at) VALUES ('set', @Zone, 's', 't', @now, @now) ON CONFLICT DO NOTHING",
                new { Zone, now });
            for (var i = 0; i < ids.Length; i++)
            {
                await work.Connection.ExecuteAsync(
                    """
                    INSERT INTO policy_versions (id, policy_id, version, content, content_sha256, schema_version, created_by, created_at)
                    SELECT @id, 'pol', coalesce(max(version), 0) + 1, @content, 'x', '2026-05-20', 't', @now FROM policy_versions
                    """,
                    new { id = ids[i], content = sources[i], now });
            }

            await work.Connection.ExecuteAsync(
                """
                INSERT INTO policy_set_versions (id, policy_set_id, version, manifest_json, manifest_sha256, schema_version, created_by, created_at)
                SELECT @version, 'set', coalesce(max(version), 0) + 1, @manifest, @sha, '2026-05-20', 't', @now FROM policy_set_versions
                """,
                new { version, manifest = new JsonText(manifest), sha = PolicyManifest.Sha256(manifest), now });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO policy_set_bindings (zone_id, policy_set_id, active_version_id, updated_at) VALUES (@Zone, 'set', @version, @now)
                ON CONFLICT (zone_id, policy_set_id) DO UPDATE SET active_version_id = @version
                """,
                new { Zone, version, now });
        });
        return version;
    }

    /// <summary>The documents of the zone's first policy set, with more roots behind them.</summary>
    public static string Documents(string more = "") => Data + "\n" + more + "\n";

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        State.Dispose();
        _issuers?.Dispose();
        await _store.DisposeAsync();
        _journal.Delete(recursive: true);
    }

    private static AuditTrail OpenTrail(DirectoryInfo journal, CapturedAudit audit) =>
        AuditTrail.Start(journal.FullName, audit, new JournalOptions { Fsync = JournalFsync.Interval });

    private static List<KeyValuePair<string, string>> With(
        List<KeyValuePair<string, string>> form, (string Name, string? Value)[] changes)
    {
        foreach (var (name, value) in changes)
        {
            form.RemoveAll(field => field.Key == name);
            if (value is not null)
            {
                form.Add(new(name, value));
            }
        }

        return form;
    }

    /// <summary>Another instance over the same store, streams and shared state; answers over its own port.</summary>
    public Task<StsReplica> ReplicaAsync() => StsReplica.StartAsync(Settings, Dependencies());

    private async Task RunAsync()
    {
        Clock = new DatabaseClock(Database, _time);
        _replica = await StsReplica.StartAsync(Settings, Dependencies());
        Service = _replica.Service;
        Client = _replica.Client;
    }

    private StsDependencies Dependencies() => new()
    {
        Database = Database,
        Clock = Clock,
        Outbox = new EventOutbox(),
        Streams = Streams,
        State = State,
        Leases = State,
        Audit = _trail,
        Logger = new JsonLineLogging(TextWriter.Synchronized(_log), LogLevel.Information, "test", "test").CreateLogger("sts"),
        Http = _issuers,
    };

    private async Task StopAsync()
    {
        await _replica.DisposeAsync();
        await _trail.DisposeAsync();
    }

    private async Task SeedAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var record = Ids.New();
        var sealedKey = Css1Envelope.Seal(Settings.Kek, SealedLocations.ProviderSecret(Zone, "prov-key"), "{\"api_key\":\"sk-test\"}"u8);
        await Owner.WriteAsync(async work =>
        {
            foreach (var zone in new[] { Zone, "zone-2" })
            {
                await work.Connection.ExecuteAsync(
                    "INSERT INTO zones (id, name, slug, created_at, updated_at) VALUES (@zone, @zone, @zone, @now, @now)", new { zone, now });
            }

            await AddApplicationAsync(work, Application, Zone, Secret, now);
            await AddApplicationAsync(work, "app-elsewhere", "zone-2", Secret, now);
            await AddApplicationAsync(work, "app-o", Zone, Secret, now);
            await AddProviderAsync(work, "prov-mandate", "caracal_mandate", "{}", now);
            await AddProviderAsync(work, "prov-key", "api_key", """{"auth_location":"header","header_name":"X-Api-Key"}""", now);
            await AddProviderAsync(work, "prov-none", "none", "{}", now);
            await AddProviderAsync(work, "prov-oauth", "oauth2_client_credentials", """{"token_endpoint":"https://x"}""", now);
            await work.Connection.ExecuteAsync(
                "INSERT INTO secret_store (ref, zone_id, envelope, created_at, updated_at) VALUES (@reference, @Zone, @sealedKey, @now, @now)",
                new { reference = SealedLocations.ProviderSecret(Zone, "prov-key"), Zone, sealedKey, now });
            await AddResourceAsync(work, "res-1", Resource, "prov-mandate", ["nucleus:pay", "nucleus:read"], "enforced", now);
            await AddResourceAsync(work, "res-2", "resource://keyed", "prov-key", ["keyed:use"], "transport_uniform", now);
            await AddResourceAsync(work, "res-3", "resource://open", "prov-oauth", ["open:use"], "transport_uniform", now);
            await AddResourceAsync(work, "res-c", "caracal-control", "prov-none", ["control:read"], "transport_uniform", now);
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES (@record, @Zone, 'application', @Application, 'active', @end, @now, @now)
                """,
                new { record, Zone, Application, now, end = now.AddHours(1) });
            await AddSessionAsync(work, "s1", record, now);
            await AddSessionAsync(work, "s2", record, now);
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                    scopes, constraints_json, status, expires_at, created_at, updated_at)
                VALUES ('e1', @Zone, 's1', 's2', @Application, @Application, @scopes, '{}', 'active', @end, @now, @now)
                """,
                new { Zone, Application, scopes = new[] { "nucleus:pay", "keyed:use", "open:use" }, now, end = now.AddHours(1) });
        });
        await ActivateAsync(Documents());
    }

    private static Task AddApplicationAsync(Work work, string id, string zone, string secret, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO applications (id, zone_id, name, registration_method, client_secret_hash, traits, created_at)
            VALUES (@id, @zone, @id, 'managed', @hash, @traits, @now)
            """,
            new { id, zone, hash = SecretHash.Of(secret), traits = Array.Empty<string>(), now });

    private static Task AddProviderAsync(Work work, string id, string kind, string config, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO providers (id, zone_id, name, identifier, provider_kind, config_json, secret_config_keys, created_at, updated_at)
            VALUES (@id, @Zone, @id, @identifier, @kind, @config, @keys, @now, @now)
            """,
            new { id, Zone, identifier = $"provider://{id}", kind, config = new JsonText(config), keys = Array.Empty<string>(), now });

    private static Task AddResourceAsync(
        Work work, string id, string identifier, string provider, string[] scopes, string enforcement, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO resources (id, zone_id, name, identifier, upstream_url, credential_provider_id, scopes, operations,
                operation_enforcement, created_at, updated_at)
            VALUES (@id, @Zone, @id, @identifier, 'https://up.example.com', @provider, @scopes, @operations, @enforcement, @now, @now)
            """,
            new
            {
                id,
                Zone,
                identifier,
                provider,
                scopes,
                operations = new JsonText("""[{"method":"GET","path":"/pay","scope":"nucleus:pay"},{"method":"POST","path":"/read","scope":"nucleus:read"}]"""),
                enforcement,
                now,
            });

    private static Task AddSessionAsync(Work work, string id, string record, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO sessions (id, zone_id, application_id, subject_authority_record_id, status, labels, started_at, last_active_at,
                ttl_seconds, metadata_json, updated_at, lifecycle)
            VALUES (@id, @Zone, @Application, @record, 'active', @labels, @now, @now, 3600, '{}', @now, 'task')
            """,
            new { id, Zone, Application, record, labels = new[] { "payer" }, now });
}
