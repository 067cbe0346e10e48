using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Tests;

/// <summary>Control through a whole stack: a key mints at the STS, its token invokes once, and the ledger tells of it.</summary>
public sealed class ControlTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-control-");

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_control_key_reaches_the_api_and_the_coordinator_of_its_zone()
    {
        SecretFolder.Provision(Secrets);
        var data = Path.Combine(folder.FullName, "data");
        SecretFolder.Prepare(data);
        var admin = await File.ReadAllTextAsync(Path.Combine(Secrets, "caracalAdminToken"));
        var gate = Path.Combine(folder.FullName, "gate");
        var options = new StackOptions
        {
            Variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
            {
                ["CARACAL_MODE"] = "dev",
                ["CARACAL_SECRETS_DIR"] = Secrets,
                ["CARACAL_CONTROL_ENABLED"] = "true",
                ["CONTROL_GATE_FILE"] = gate,
                ["CONTROL_API_TOKEN"] = admin,
            },
            DataDirectory = data,
            Log = TextWriter.Null,
        };
        await using var stack = await CaracalStack.StartAsync(options, default);
        using var http = new HttpClient();
        var zone = (await SendAsync(http, stack.Urls["api"] + "/v1/zones", admin, new { name = "Pied Piper" })).GetProperty("id").GetString()!;
        string[] scopes = ["control:app:read", "control:session:read", "control:delegation:read", "control:audit:read"];
        var key = await SendAsync(http, stack.Urls["api"] + $"/v1/zones/{zone}/applications", admin, new
        {
            name = "ci",
            registration_method = "managed",
            traits = new[] { "control:invoke", "control:max-ttl:300" }.Concat(scopes.Select(scope => "control:scope:" + scope)),
        });

        async Task<string> MintAsync() => await MintControlTokenAsync(http, stack.Urls["sts"], key, string.Join(' ', scopes));
        Task<JsonElement> InvokeAsync(string token, string command, string subcommand, object? flags = null) =>
            SendAsync(http, stack.Urls["api"] + "/v1/control/invoke", token, new { command, subcommand, flags = flags ?? new { } });

        var token = await MintAsync();
        Assert.Equal("control_disabled", ErrorOf(await InvokeAsync(token, "app", "list")));
        await File.WriteAllTextAsync(gate, "");
        Assert.Equal(["ci"], (await InvokeAsync(token, "app", "list")).GetProperty("result").EnumerateArray().Select(row => row.GetProperty("name").GetString()!));
        Assert.Equal("token_replay", ErrorOf(await InvokeAsync(token, "app", "list")));
        Assert.True((await InvokeAsync(await MintAsync(), "session", "list")).GetProperty("ok").GetBoolean());
        Assert.True((await InvokeAsync(await MintAsync(), "delegation", "active")).GetProperty("ok").GetBoolean());
        Assert.Equal("not_found", ErrorOf(await InvokeAsync(await MintAsync(), "session", "get", new { id = "nobody" })));
        Assert.Equal("denied", ErrorOf(await InvokeAsync(await MintAsync(), "app", "create", new { name = "x" })));

        var flags = new Dictionary<string, object> { ["event-type"] = "control.invoke" };
        for (var tries = 0; ; tries++)
        {
            var events = (await InvokeAsync(await MintAsync(), "audit", "tail", flags)).GetProperty("result").EnumerateArray().ToList();
            if (events.Count >= 5 && events.Any(row => row.GetProperty("decision").GetString() == "deny")) break;
            Assert.True(tries < 40, "the ledger does not tell of the invokes");
            await Task.Delay(100);
        }
    }

    private static string? ErrorOf(JsonElement answer) => answer.GetProperty("error").GetProperty("code").GetString();

    private static async Task<string> MintControlTokenAsync(HttpClient http, string sts, JsonElement key, string scopes)
    {
        using var form = new FormUrlEncodedContent(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), new("application_id", key.GetProperty("id").GetString()),
            new("client_secret", key.GetProperty("client_secret").GetString()), new("resource", "caracal-control"), new("scope", scopes),
        ]);
        using var answer = await http.PostAsync(sts + "/oauth/2/token", form);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.IsSuccessStatusCode, body.GetRawText());
        return body.GetProperty("access_token").GetString()!;
    }

    private static async Task<JsonElement> SendAsync(HttpClient http, string url, string token, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.SendAsync(request);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
