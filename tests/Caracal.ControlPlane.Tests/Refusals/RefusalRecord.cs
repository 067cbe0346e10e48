using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.OpenApi;

namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Sends calls and notes what each route refused.</summary>
internal sealed class RefusalRecord(ApiHost api)
{
    private readonly Router _router = new(api.Service.Routes);
    private readonly Dictionary<(string, string), string> _ids =
        DocumentedOperations.Load().All.ToDictionary(operation => (operation.Method, operation.Path), operation => operation.Id);

    /// <summary><c>operationId status code</c> of every refusal so far.</summary>
    public HashSet<string> Seen { get; } = new(StringComparer.Ordinal);

    public ApiHost Api => api;

    /// <summary>Sends, and returns the answer whatever it is.</summary>
    public async Task<Reply> SendAsync(string method, string path, string? body = null, string? token = ApiHost.AdminToken, params (string Name, string Value)[] headers)
    {
        var reply = await api.SendAsync(method, path, body, token, "application/json", headers);
        if (reply.Status >= 400)
        {
            var route = _router.Find(method, Router.Split(path.Split('?')[0])!)!.Route;
            Seen.Add($"{_ids[(route.Method, route.Pattern.Replace("*}", "}", StringComparison.Ordinal))]} {reply.Status} {reply.Error}");
        }

        return reply;
    }

    public Task<Reply> PostAsync(string path, string? body = null, string? token = ApiHost.AdminToken) => SendAsync("POST", path, body, token);

    /// <summary>Makes something and returns its id.</summary>
    public async Task<string> MakeAsync(string path, string body)
    {
        var reply = await SendAsync("POST", path, body);
        Assert.True(reply.Status is 201, $"{path}: {reply.Text}");
        return reply.Get("id");
    }
}
