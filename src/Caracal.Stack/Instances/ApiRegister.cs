using System.Net.Http.Headers;
using System.Text.Json;
using Caracal.Console;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Storage.Instances;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Instances;

/// <summary>The console tells the API of itself, with a token of its own: it has no store (operations.md 4.2).</summary>
internal sealed class ApiRegister(ConsoleSettings settings, ILogger log) : IInstanceRegister, IDisposable
{
    private readonly HttpClient _http = new(StsHttp.Handler(settings.Authorities)) { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 64 * 1024 };
    private readonly Uri _address = new(settings.ApiUrl + "/internal/instances");
    private string _told = "";

    public void Dispose() => _http.Dispose();

    public Task<IReadOnlyDictionary<string, string?>?> StatesAsync(Heartbeat report, IReadOnlyList<HeldRing> held, CancellationToken cancellationToken) =>
        SayAsync(report, stopped: false, cancellationToken);

    public async Task<bool> BeatAsync(Heartbeat report, CancellationToken cancellationToken) => await SayAsync(report, stopped: false, cancellationToken) is not null;

    public Task EndAsync(Heartbeat report) => SayAsync(report, stopped: true, CancellationToken.None);

    private async Task<IReadOnlyDictionary<string, string?>?> SayAsync(Heartbeat report, bool stopped, CancellationToken cancellationToken)
    {
        if (settings.ReportToken is not { } token) return Tell($"{SecretFiles.ConsoleReportToken} is not set");
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = Body(report, stopped) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Current.Reveal());
        try
        {
            using var answer = await _http.SendAsync(request, cancellationToken);
            var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            if (!answer.IsSuccessStatusCode) return Tell($"the API answers {(int)answer.StatusCode}");
            using var document = JsonDocument.Parse(body);
            _told = "";
            return document.RootElement.GetProperty("states").EnumerateObject().ToDictionary(state => state.Name, state => state.Value.GetString(), StringComparer.Ordinal);
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Tell("the API does not answer");
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? null : Tell("the API does not answer in time");
        }
    }

    // Told once for as long as the reason stays the same.
    private Dictionary<string, string?>? Tell(string reason)
    {
        if (_told != reason) StackLog.InstanceNotReported(log, _told = reason);
        return null;
    }

    private static ByteArrayContent Body(Heartbeat report, bool stopped)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("service"u8, report.Service);
            writer.WriteString("instance"u8, report.Instance);
            writer.WriteString("version"u8, report.Version);
            writer.WriteString("mode"u8, report.Mode);
            writer.WriteString("started_at"u8, report.StartedAt.UtcDateTime);
            writer.WriteBoolean("stopped"u8, stopped);
            writer.WritePropertyName("key_slots"u8);
            writer.WriteRawValue(report.KeySlots);
            writer.WriteEndObject();
        }

        var content = new ByteArrayContent(buffer.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
