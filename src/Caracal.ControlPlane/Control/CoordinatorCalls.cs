using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Hosting.StsCalls;
using Caracal.Protocol;

namespace Caracal.ControlPlane.Control;

/// <summary>Calls the Coordinator as its operator, for the Session and Delegation commands (control.md 5).</summary>
internal sealed class CoordinatorCalls(ControlPlaneSettings settings, ControlSettings control) : IDisposable
{
    private readonly HttpClient _http = new(StsHttp.Handler(settings.Authorities)) { Timeout = settings.RequestTimeout, MaxResponseContentBufferSize = 16 * 1024 * 1024 };

    public async Task<ManagementReply> SendAsync(string method, string zoneId, string[] path, string requestId, CancellationToken cancellationToken)
    {
        if (control.CoordinatorToken is not { } token) return new ManagementReply(502, Fault("CARACAL_COORDINATOR_TOKEN is not set for the API"));
        var address = $"{control.CoordinatorUrl.TrimEnd('/')}/zones/{Uri.EscapeDataString(zoneId)}/{string.Join('/', path.Select(Uri.EscapeDataString))}";
        try
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), address);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Current.Reveal());
            request.Headers.TryAddWithoutValidation(CaracalHeaders.RequestId, requestId);
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);

            // Our own token refused there says nothing about the caller.
            return (int)response.StatusCode == 401
                ? new ManagementReply(502, Fault("the Coordinator refused the operator token"))
                : new ManagementReply((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new ManagementReply(502, Fault("the Coordinator cannot be reached"));
        }
    }

    public void Dispose() => _http.Dispose();

    private static JsonObject Fault(string description) => new() { ["error"] = "upstream", ["error_description"] = description };
}
