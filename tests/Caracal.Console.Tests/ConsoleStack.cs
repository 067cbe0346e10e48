using System.Net.Http.Json;
using System.Text.Json;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Console.Tests;

/// <summary>The embedded stack with its console, and a zone in which something has happened.</summary>
public sealed class ConsoleStack : IAsyncLifetime
{
    private const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-console-");
    private readonly StringWriter _log = new();
    private CaracalStack? _stack;
    private string _secret = "";

    public IReadOnlyDictionary<string, string> Urls => _stack!.Urls;

    public string Url => Urls["console"];

    public string AdminToken => Read("caracalAdminToken");

    public string Log => _log.ToString();

    public string Zone { get; private set; } = "";

    public string Application { get; private set; } = "";

    /// <summary>The application's name: what an attacker would have an operator's browser run.</summary>
    public string ApplicationName { get; } = "<script>alert(1)</script>";

    public string Agent { get; private set; } = "";

    public string Edge { get; private set; } = "";

    public HttpClient Api { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var secrets = Path.Combine(_folder.FullName, "secrets");
        SecretFolder.Provision(secrets);
        SecretFolder.Prepare(Path.Combine(_folder.FullName, "data"));
        _stack = await CaracalStack.StartAsync(
            new StackOptions
            {
                Variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
                {
                    ["CARACAL_MODE"] = "dev",
                    ["CARACAL_SECRETS_DIR"] = secrets,
                    ["API_V1_RATE_LIMIT_PER_MIN"] = "0",
                },
                DataDirectory = Path.Combine(_folder.FullName, "data"),
                Log = TextWriter.Synchronized(_log),
            },
            default);
        Api.BaseAddress = new Uri(Urls["api"]);
        Api.DefaultRequestHeaders.Authorization = new("Bearer", AdminToken);
        await FurnishAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        if (_stack is not null) await _stack.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A token exchange; what is asked for decides whether it is allowed, denied or held.</summary>
    public async Task<JsonElement> MintAsync(string scope, bool delegated = true)
    {
        var fields = new Dictionary<string, string>
        {
            ["grant_type"] = TokenExchange,
            ["zone_id"] = Zone,
            ["application_id"] = Application,
            ["client_secret"] = _secret,
            ["resource"] = "resource://pipernet",
            ["scope"] = scope,
        };
        if (delegated)
        {
            fields["agent_session_id"] = Agent;
            fields["delegation_edge_id"] = Edge;
        }

        using var form = new FormUrlEncodedContent(fields);
        var answer = await Api.PostAsync(new Uri(Urls["sts"] + "/oauth/2/token"), form);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Creates something through the API.</summary>
    public async Task<JsonElement> CreateAsync(string path, object body)
    {
        var answer = await Api.PostAsJsonAsync(path, body);
        var created = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.IsSuccessStatusCode, $"POST {path}: {created}");
        return created;
    }

    private async Task FurnishAsync()
    {
        Zone = Id(await CreateAsync("/v1/zones", new { name = "Pied Piper" }));
        var zone = $"/v1/zones/{Zone}";
        var application = await CreateAsync($"{zone}/applications", new { name = ApplicationName, registration_method = "managed" });
        (Application, _secret) = (Id(application), application.GetProperty("client_secret").GetString()!);
        var provider = await CreateAsync($"{zone}/providers", new { name = "key", kind = "api_key", config_json = new { header_name = "X-Api-Key", api_key = "k" } });
        await CreateAsync($"{zone}/resources", new
        {
            name = "PiperNet",
            identifier = "resource://pipernet",
            upstream_url = "http://127.0.0.1:9",
            scopes = new[] { "pipernet:read", "pipernet:pay" },
            credential_provider_id = Id(provider),
            operations = new[] { new { method = "GET", path = "/reports", scope = "pipernet:read" } },
        });
        await ActivateAsync(zone);
        await DelegateAsync();
    }

    private async Task ActivateAsync(string zone)
    {
        var policy = await CreateAsync($"{zone}/policies", new
        {
            name = "grants",
            content = $$"""
                # caracal:data-document
                package caracal.authz
                import rego.v1
                app_ids := {"a": "{{Application}}"}
                grants := {"resource://pipernet": {"application": "a", "roles": {"agent": ["pipernet:read", "pipernet:pay"]} } }
                risk := [{"scope": "pipernet:pay", "tier": "high"}]
                approval_tiers := [{"tier": "high", "ttl_seconds": 600}]

                """,
        });
        var set = Id(await CreateAsync($"{zone}/policy-sets", new { name = "main" }));
        var version = await CreateAsync(
            $"{zone}/policy-sets/{set}/versions", new { manifest = new[] { new { policy_version_id = policy.GetProperty("version_id").GetString() } } });
        var activation = await CreateAsync($"{zone}/policy-sets/{set}/activate", new { version_id = version.GetProperty("version_id").GetString() });
        var status = activation.GetProperty("status_url").GetString()!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await Api.GetFromJsonAsync<JsonElement>(status, limit.Token)).GetProperty("propagation_status").GetString() != "loaded")
        {
            await Task.Delay(20, limit.Token);
        }
    }

    private async Task DelegateAsync()
    {
        var lifecycle = (await MintAsync("agent:lifecycle", delegated: false)).GetProperty("access_token").GetString()!;
        using var coordinator = new HttpClient();
        coordinator.DefaultRequestHeaders.Authorization = new("Bearer", lifecycle);
        var source = await PostAsync("agents", new { application_id = Application, labels = new[] { "agent" } });
        Agent = (await PostAsync("agents", new { application_id = Application, labels = new[] { "agent" } })).GetProperty("agent_session_id").GetString()!;
        Edge = (await PostAsync("delegations", new
        {
            source_session_id = source.GetProperty("agent_session_id").GetString(),
            target_session_id = Agent,
            issuer_application_id = Application,
            receiver_application_id = Application,
            scopes = new[] { "pipernet:read", "pipernet:pay" },
            constraints = new { resources = new[] { "resource://pipernet" } },
            ttl_seconds = 3000,
        })).GetProperty("delegation_edge_id").GetString()!;

        async Task<JsonElement> PostAsync(string what, object body)
        {
            var answer = await coordinator.PostAsJsonAsync(new Uri($"{Urls["coordinator"]}/zones/{Zone}/{what}"), body);
            return await answer.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    private string Read(string secret) => File.ReadAllText(Path.Combine(_folder.FullName, "secrets", secret)).Trim();

    private static string Id(JsonElement row) => row.GetProperty("id").GetString()!;
}
