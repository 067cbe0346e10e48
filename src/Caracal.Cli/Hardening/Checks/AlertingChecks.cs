using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>
/// H-MON-3: does anybody hear of it? Prometheus (<c>CARACAL_PROMETHEUS_URL</c>) tells which rules it has loaded, and how many
/// notifications its alert manager delivered; the file of contacts says who is called.
/// </summary>
internal static class AlertingChecks
{
    private const string Delivered =
        "sum(increase(alertmanager_notifications_total{integration=\"webhook\"}[24h])) - sum(increase(alertmanager_notifications_failed_total{integration=\"webhook\"}[24h]))";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly string[] Called = ["security", "on-call"];

    private static readonly string[] Rules =
    [
        "CaracalAuditTamperDetected", "CaracalRevocationLag", "CaracalRevocationIneffective", "CaracalRevocationDeadLetters",
        "CaracalDenialSpikeSignature", "CaracalDenialSpikeJtiReplay", "CaracalDenialSpikeRevoked", "CaracalDenialSpikeStsExchange",
    ];

    public static async Task<Finding> InspectAsync(Deployment deployment, CancellationToken stop)
    {
        if (!Uri.TryCreate(deployment.Variables["CARACAL_PROMETHEUS_URL"], UriKind.Absolute, out var prometheus) || prometheus.Scheme is not ("http" or "https"))
        {
            return Finding.NotEvaluated("CARACAL_PROMETHEUS_URL does not say where Prometheus is");
        }

        var verdict = new Verdict();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout, BaseAddress = prometheus };
        if (await AskAsync(client, "/api/v1/rules?type=alert", stop) is not { } loaded) return Finding.NotEvaluated($"Prometheus does not answer at {prometheus.Host}");
        var names = (loaded["groups"]?.AsArray() ?? []).SelectMany(group => group?["rules"]?.AsArray() ?? []).Select(rule => (string?)rule?["name"]).ToHashSet(StringComparer.Ordinal);
        foreach (var rule in Rules.Where(rule => !names.Contains(rule))) verdict.Fail($"{rule} is not loaded");
        if (await AskAsync(client, "/api/v1/query?query=" + Uri.EscapeDataString(Delivered), stop) is not { } answer) verdict.Unseen("Prometheus does not say what was delivered");
        else if (Number(answer) is not > 0) verdict.Warn("no alert was delivered to a webhook within 24 h");
        Contact(deployment, verdict);
        verdict.Ok("the rules are loaded, alerts arrive, and it is written down whom they call");
        return verdict.Finding();
    }

    private static void Contact(Deployment deployment, Verdict verdict)
    {
        if (deployment.Variables["CARACAL_CONTACTS_FILE"] is not { } path || !File.Exists(path))
        {
            verdict.Warn("CARACAL_CONTACTS_FILE names no file of contacts");
            return;
        }

        var roles = File.ReadLines(path).Select(line => line.Split(':', 2)).Where(line => line.Length == 2 && line[1].Trim().Length > 0)
            .Select(line => line[0].Trim()).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var role in Called.Where(role => !roles.Contains(role))) verdict.Warn($"the contacts do not say who {role} is");
    }

    /// <summary>The data of a successful answer; null for every other.</summary>
    private static async Task<JsonNode?> AskAsync(HttpClient client, string path, CancellationToken stop)
    {
        try
        {
            var root = JsonNode.Parse(await client.GetStringAsync(path, stop));
            return (string?)root?["status"] == "success" ? root["data"] : null;
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException or InvalidOperationException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return null;
        }
    }

    // An instant vector of one sample: [time, "value"]; none when nothing was ever counted.
    private static double? Number(JsonNode data) =>
        data["result"] is JsonArray { Count: > 0 } samples && double.TryParse(
            (string?)samples[0]?["value"]?[1], System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : null;
}
