using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Rings;
using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.PolicyRuntime;

/// <summary>Asks an STS in another process, each call signed as sts.md 5 says.</summary>
/// <param name="http">Its handler follows no redirects.</param>
/// <param name="stsUrl">Base address.</param>
/// <param name="keys">Signs.</param>
/// <param name="time">The process clock: the signature's skew is measured against it.</param>
public sealed class SignedPolicyRuntime(HttpClient http, string stsUrl, HmacKeyRing keys, TimeProvider time) : IPolicyRuntime
{
    private const string SimulatePath = "/internal/policy/simulate";

    // What the STS accepts there (sts.md B7).
    private const int LargestBundle = 16 * 1024 * 1024;

    private readonly string _base = stsUrl.TrimEnd('/');

    public async Task<PolicySimulationOutcome> SimulateAsync(PolicySimulation simulation, CancellationToken cancellationToken)
    {
        var body = BodyOf(simulation);
        if (body.Length > LargestBundle) return new(SimulationVerdict.Rejected, null, "the bundle is larger than 16 MiB");
        try
        {
            using var response = await SendAsync(HttpMethod.Post, SimulatePath, body, cancellationToken);
            var answer = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity)
            {
                return new(SimulationVerdict.Rejected, null, ReasonOf(answer));
            }

            if (!response.IsSuccessStatusCode) return Unreachable($"status {(int)response.StatusCode}");
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("result", out var result) && result.ValueKind == JsonValueKind.Object
                    ? new(SimulationVerdict.Executed, result.GetRawText(), null)
                    : Unreachable("invalid response");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            return Unreachable(fault is JsonException ? "invalid response" : "no answer");
        }
    }

    public async Task<PolicyStatusOutcome> StatusAsync(string zoneId, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, $"/internal/policy/status/{Uri.EscapeDataString(zoneId)}", [], cancellationToken);
            var answer = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (!response.IsSuccessStatusCode) return new(StatusVerdict.Failed, null, $"status {(int)response.StatusCode}: {ReasonOf(answer)}");
            using var document = JsonDocument.Parse(answer);
            return new(StatusVerdict.Known, StatusOf(document.RootElement), null);
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            return new(StatusVerdict.Unreachable, null, fault is JsonException ? "invalid response" : "no answer");
        }
    }

    private static PolicySimulationOutcome Unreachable(string why) => new(SimulationVerdict.Unreachable, null, why);

    private static bool IsTransport(Exception fault, CancellationToken cancellationToken) =>
        fault is HttpRequestException or JsonException or IOException
        || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, _base + path);
        SignedStsCall.Sign(request, keys, time.GetUtcNow(), path, body);
        if (body.Length > 0)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        return await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    private static byte[] BodyOf(PolicySimulation simulation)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("policy_set_id", simulation.PolicySetId);
            writer.WriteString("version_id", simulation.VersionId);
            writer.WriteString("manifest_sha256", simulation.ManifestSha256);
            writer.WriteStartArray("policies");
            foreach (var policy in simulation.Policies)
            {
                writer.WriteStartObject();
                writer.WriteString("id", policy.Id);
                writer.WriteString("content", policy.Content);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WritePropertyName("input");
            writer.WriteRawValue(simulation.InputJson);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static PolicyStatus StatusOf(JsonElement answer) => new(
        answer.TryGetProperty("loaded", out var loaded) && loaded.ValueKind == JsonValueKind.True,
        Text(answer, "policy_set_version_id"),
        Text(answer, "manifest_sha256"),
        DateTimeOffset.TryParse(Text(answer, "loaded_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null,
        answer.TryGetProperty("age_seconds", out var age) && age.ValueKind == JsonValueKind.Number ? (long)age.GetDouble() : null);

    // The reason is wherever the STS of either version put it (api.md 10).
    private static string ReasonOf(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetString(answer));
            return Text(document.RootElement, "error_description") ?? Text(document.RootElement, "detail") ?? Text(document.RootElement, "error") ?? "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
