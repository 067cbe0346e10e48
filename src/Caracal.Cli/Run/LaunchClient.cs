using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Cli.Run;

/// <summary>A credential as the STS gave it.</summary>
/// <param name="Value">The secret.</param>
/// <param name="ExpiresAt">Unix seconds; null when it does not end.</param>
internal sealed record LaunchCredential(string Value, long? ExpiresAt);

/// <summary>A credential call that waits for a human.</summary>
internal sealed class ApprovalNeededException(LaunchHold hold) : Exception("approval required")
{
    public LaunchHold Hold { get; } = hold;
}

/// <summary>What a person has to approve.</summary>
internal sealed record LaunchHold(string Id, string Binding, string ExpiresAt);

/// <summary>The two wire calls of a launch (cli.md 6.2), tied together by one launch id.</summary>
internal sealed class LaunchClient(WorkloadIdentity identity) : IDisposable
{
    private const int LargestAnswer = 256 * 1024;

    private readonly string launchId = Guid.NewGuid().ToString();
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
    {
        Timeout = TimeSpan.FromSeconds(30),
        MaxResponseContentBufferSize = LargestAnswer,
    };

    public void Dispose() => http.Dispose();

    public async Task<LaunchManifest> ManifestAsync(CancellationToken stop) =>
        LaunchManifest.Parse(await PostAsync("/v1/run/manifest", [], stop));

    /// <exception cref="ApprovalNeededException">A person has to approve first.</exception>
    public async Task<LaunchCredential> CredentialAsync(LaunchBinding binding, string? approvalId, CancellationToken stop)
    {
        List<KeyValuePair<string, string>> fields = [new("env", binding.Env)];
        if (approvalId is not null) fields.Add(new("approval_id", approvalId));
        var body = await PostAsync("/v1/run/credential", fields, stop);
        if (Text(body, "env") != binding.Env) throw new LaunchFailure("credential_invalid", "the STS answered for another variable");
        var value = Text(body, "credential");
        if (value.Length == 0 || value.Contains('\0', StringComparison.Ordinal)) throw new LaunchFailure("credential_invalid", "the STS answered without a credential");
        long? end = body.TryGetProperty("expires_at", out var at) && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out var seconds) ? seconds : null;
        return new LaunchCredential(value, end);
    }

    /// <summary>State of a hold; waits up to 25 seconds for a decision. Null when the poll failed and may be repeated.</summary>
    public async Task<string?> ApprovalStateAsync(string id, int waitSeconds, CancellationToken stop)
    {
        try
        {
            using var answer = await http.GetAsync($"{Base}/approvals/{Uri.EscapeDataString(id)}?wait={waitSeconds}", stop);
            if ((int)answer.StatusCode >= 500) return null;
            var body = await BodyAsync(answer, stop);
            return answer.IsSuccessStatusCode ? Text(body, "state") : throw Failure(answer, body);
        }
        catch (HttpRequestException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private string Base => identity.Sts.ToString().TrimEnd('/');

    private async Task<JsonElement> PostAsync(string path, List<KeyValuePair<string, string>> fields, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Base + path)
        {
            Content = new FormUrlEncodedContent([new("workload_id", identity.Id), new("secret", identity.Secret), .. fields]),
        };
        request.Headers.Add(CaracalHeaders.LaunchId, launchId);
        try
        {
            using var answer = await http.SendAsync(request, stop);
            var body = await BodyAsync(answer, stop);
            if (answer.IsSuccessStatusCode && body.ValueKind == JsonValueKind.Object) return body;
            if ((int)answer.StatusCode == 401 && Text(body, "error") == "interaction_required" && Text(body, "approval_id") is { Length: > 0 } approval)
            {
                throw new ApprovalNeededException(new LaunchHold(approval, Text(body, "binding"), Text(body, "approval_expires_at")));
            }

            throw Failure(answer, body);
        }
        catch (HttpRequestException fault)
        {
            throw new LaunchFailure("sts_unreachable", $"the STS at {Base} cannot be reached: {fault.Message}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new LaunchFailure("sts_timeout", $"the STS at {Base} did not answer within {http.Timeout.TotalSeconds:0} s");
        }
    }

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage answer, CancellationToken stop)
    {
        try
        {
            using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(stop));
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static LaunchFailure Failure(HttpResponseMessage answer, JsonElement body)
    {
        var status = (int)answer.StatusCode;
        var message = Text(body, "error_description") is { Length: > 0 } text ? text : $"STS error {status}";
        return new LaunchFailure(Text(body, "error") is { Length: > 0 } code ? code : $"http_{status}", message, Text(body, "requestId"));
    }

    private static string Text(JsonElement body, string name) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
