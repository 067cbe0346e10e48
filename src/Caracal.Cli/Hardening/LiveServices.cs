using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening;

/// <summary>What a service answered; <paramref name="Status"/> 0 means that it could not be asked, and <paramref name="Body"/> says why.</summary>
internal sealed record ServiceReply(int Status, string Body, DateTimeOffset? Date)
{
    public bool Answered => Status > 0;

    /// <summary>True when the answer tells of a rate limit, by the headers of the IETF draft or by the older ones.</summary>
    public bool AnnouncesLimit { get; init; }
}

/// <summary>The services of the deployment, where its variables say they are.</summary>
internal sealed class LiveServices : IDisposable
{
    private const int Attempts = 3;
    private const int BodyLength = 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly ProcessVariables _variables;

    // Named, so that services do not take these looks for somebody's monitoring.
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
    {
        Timeout = Timeout,
        MaxResponseContentBufferSize = BodyLength,
    };

    public LiveServices(ProcessVariables variables)
    {
        _variables = variables;
        _client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", ScrapeFigures.OwnLook);
    }

    public static IReadOnlyList<string> Names { get; } = ["api", "sts", "gateway", "audit", "coordinator"];

    /// <summary>Where a service is; null when nothing says so.</summary>
    public Uri? Find(string service)
    {
        try
        {
            var record = StackRecord.Read(new CaracalPaths(_variables).StackRecord);
            return ServiceUrls.Find(service, _variables, record is { Process.IsRunning: true } ? record : null);
        }
        catch (CommandFailure)
        {
            return null;
        }
    }

    /// <summary>One request. Transport errors are tried three times; an answer, whichever, is taken at once; redirects are not followed.</summary>
    public Task<ServiceReply> AskAsync(
        string service, string path, CancellationToken stop, string? bearer = null, HttpMethod? method = null, string? body = null, params (string Name, string Value)[] headers) =>
        Find(service) is { } url
            ? AskAtAsync(service, url, path, stop, bearer, method, body, headers)
            : Task.FromResult(new ServiceReply(0, $"nothing says where {service} is", null));

    /// <summary>The same of one instance at its own address.</summary>
    public async Task<ServiceReply> AskAtAsync(
        string name, Uri url, string path, CancellationToken stop, string? bearer = null, HttpMethod? method = null, string? body = null, params (string Name, string Value)[] headers)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await AskOnceAsync(url, path, bearer, method ?? HttpMethod.Get, body, headers, stop);
            }
            catch (Exception fault) when (fault is HttpRequestException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
            {
                if (attempt == Attempts) return new ServiceReply(0, $"{name} does not answer at {url}", null);
                await Task.Delay(Pause * attempt, stop);
            }
        }
    }

    /// <summary>A metrics page; asked for with the metrics token of these variables.</summary>
    public Task<ServiceReply> MetricsAsync(string service, CancellationToken stop) =>
        AskAsync(service, "/metrics", stop, Token(SecretFiles.MetricsBearer));

    /// <summary>A token of the operator; null when it is set nowhere.</summary>
    public string? Token(string variable) =>
        new SecretSource(_variables.WithDefault("CARACAL_SECRETS_DIR", new CaracalPaths(_variables).DevelopmentSecrets).All, role: null, published: false)
            .Find(variable)?.Value.Reveal();

    /// <summary>An answer's object; null when it is none.</summary>
    public static JsonObject? Json(string body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<ServiceReply> AskOnceAsync(Uri url, string path, string? bearer, HttpMethod method, string? body, (string Name, string Value)[] headers, CancellationToken stop)
    {
        // Taken as written: a probe of a path with encoded dots must arrive with them.
        var target = new Uri(url.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(method, target);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = new StringContent(body, System.Text.Encoding.UTF8, body.StartsWith('{') ? "application/json" : "application/x-www-form-urlencoded");
        using var answer = await _client.SendAsync(request, stop);
        return new ServiceReply((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(stop), answer.Headers.Date)
        {
            AnnouncesLimit = answer.Headers.Any(header => header.Key.StartsWith("RateLimit", StringComparison.OrdinalIgnoreCase)
                || header.Key.StartsWith("X-RateLimit", StringComparison.OrdinalIgnoreCase)),
        };
    }
}
