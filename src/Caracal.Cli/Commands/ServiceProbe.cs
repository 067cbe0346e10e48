using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Commands;

/// <summary>What one service answered.</summary>
/// <param name="Service">Which.</param>
/// <param name="Url">The probed address.</param>
/// <param name="Ok">A 2xx answer.</param>
/// <param name="Detail">Status code, and on failure why.</param>
internal sealed record ProbeResult(ServiceUrl Service, string Url, bool Ok, string Detail);

/// <summary>Asks services how they are (cli.md 5, <c>status</c>).</summary>
internal static class ServiceProbe
{
    private const int TextLength = 120;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1.5);

    public static async Task<ProbeResult[]> ProbeAsync(IReadOnlyList<ServiceUrl> services, bool ready, CancellationToken stop)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout };
        return await Task.WhenAll(services.Select(service => ProbeAsync(client, service, ready ? "ready" : "health", stop)));
    }

    private static async Task<ProbeResult> ProbeAsync(HttpClient client, ServiceUrl service, string path, CancellationToken stop)
    {
        var url = $"{service.Url.ToString().TrimEnd('/')}/{path}";
        try
        {
            using var answer = await client.GetAsync(url, stop);
            var status = (int)answer.StatusCode;
            if (answer.IsSuccessStatusCode) return new ProbeResult(service, url, true, $"{status}");
            var reason = Reason(await answer.Content.ReadAsStringAsync(stop));
            return new ProbeResult(service, url, false, reason.Length == 0 ? $"{status}" : $"{status} {reason}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ProbeResult(service, url, false, "timeout");
        }
        catch (HttpRequestException)
        {
            return new ProbeResult(service, url, false, "unreachable");
        }
    }

    internal static string Reason(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                foreach (var name in (ReadOnlySpan<string>)["reason", "error", "detail"])
                {
                    if (json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
                    {
                        return Scrubber.Scrub(value.GetString()!);
                    }
                }
            }
        }
        catch (JsonException)
        {
            // Plain text: its first line says it.
        }

        var line = body.Split('\n')[0].Trim();
        return Scrubber.Scrub(line.Length > TextLength ? line[..TextLength] : line);
    }
}
