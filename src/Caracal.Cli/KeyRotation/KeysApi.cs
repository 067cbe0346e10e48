using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>Calls <c>/v1/operations/…</c> with the administrator's token, read anew for each call: it may be what is rotated.</summary>
internal sealed class KeysApi : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = TimeSpan.FromMinutes(2) };
    private readonly Uri address;
    private readonly Func<string> token;

    public KeysApi(CommandContext context)
    {
        address = ServiceUrls.Resolve(context.Variables, StackRecord.Read(context.Paths.StackRecord)).First(service => service.Name == "api").Url;
        token = () => Token(context);
    }

    public void Dispose() => http.Dispose();

    public Task<WireAnswer> GetAsync(string path, CancellationToken stop) => SendAsync(HttpMethod.Get, path, null, null, stop);

    public Task<WireAnswer> PostAsync(string path, JsonObject body, CancellationToken stop) => SendAsync(HttpMethod.Post, path, body, null, stop);

    /// <summary>How the API answers another token than the current one.</summary>
    public async Task<int> StatusWithAsync(SecretText other, CancellationToken stop) =>
        (await SendAsync(HttpMethod.Get, "/v1/operations/instances", null, other.Reveal(), stop)).Status;

    /// <summary>The folder whose files are rotated.</summary>
    public static string SecretsOf(CommandContext context) =>
        context.Variables["CARACAL_SECRETS_DIR"] is { } set ? Path.GetFullPath(set)
        : Directory.Exists(context.Paths.DevelopmentSecrets) ? context.Paths.DevelopmentSecrets
        : context.Paths.InstalledSecrets;

    private async Task<WireAnswer> SendAsync(HttpMethod method, string path, JsonObject? body, string? other, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, new Uri(address, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", other ?? token());
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        try
        {
            using var answer = await http.SendAsync(request, stop);
            var text = await answer.Content.ReadAsStringAsync(stop);
            return new WireAnswer((int)answer.StatusCode, "", Parse(text), text);
        }
        catch (HttpRequestException)
        {
            throw new CommandFailure($"the API at {address} does not answer", exitCode: 2);
        }
    }

    private static string Token(CommandContext context)
    {
        var variables = context.Variables.With("CARACAL_SECRETS_DIR", SecretsOf(context));
        var secrets = new SecretSource(variables.All, role: null, published: false);
        return secrets.Require(SecretFiles.AdminToken)?.Value.Reveal() ?? throw new CommandFailure(string.Join("; ", secrets.Problems), exitCode: 2);
    }

    private static JsonElement Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default; // lines of evidence, or nothing
        }
    }
}
