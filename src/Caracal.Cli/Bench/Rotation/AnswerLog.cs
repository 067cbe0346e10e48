using System.Net.Http.Headers;
using System.Text;
using Caracal.Cli.Client;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>What services answered while keys rotated, in a file that is searched for values like every other one.</summary>
internal sealed class AnswerLog(string path) : IAsyncDisposable
{
    private static readonly string[] OfEveryRole = ["/health", "/ready", "/metrics", "/metrics.json", "/internal/keys"];

    private static readonly string[] OfTheApi =
        ["/v1/operations/keys", "/v1/operations/instances", "/v1/operations/rotations?limit=200", "/v1/admin-audit?limit=500", "/v1/admin-tokens"];

    private readonly StreamWriter _file = new(path, append: false, new UTF8Encoding(false));
    private readonly Lock _gate = new();

    public void Add(string answer)
    {
        lock (_gate) _file.WriteLine(answer);
    }

    /// <summary>Asks everything that tells of keys or of what happened to them.</summary>
    public async Task AskAsync(IMeasuredStack stack, WireClient wire, CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(10) };
        foreach (var url in stack.Urls.Values)
        {
            foreach (var page in OfEveryRole)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, url + page);
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", stack.Files.Secret(SecretFiles.MetricsBearer));
                using var answer = await http.SendAsync(request, stop);
                Add($"{answer}\n{await answer.Content.ReadAsStringAsync(stop)}");
            }
        }

        foreach (var page in OfTheApi) Add((await wire.ApiAsync(HttpMethod.Get, page, stack.Files.Secret(SecretFiles.AdminToken), null, stop)).Text);
    }

    public async Task CloseAsync() => await _file.FlushAsync();

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
