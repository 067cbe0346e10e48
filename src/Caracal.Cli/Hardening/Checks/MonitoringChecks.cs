using System.Globalization;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Whether somebody would notice.</summary>
internal static class MonitoringChecks
{
    private const double SlowConsumer = 5;

    // R113: both must be counted by somebody, or their emptiness means nothing.
    private static readonly string[] DeadStreams = ["caracal_dead_letters{stream=\"caracal.sessions.revoke.dead\"}", "caracal_audit_dlq_size"];

    private static readonly TimeSpan ScrapeLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SweepLimit = TimeSpan.FromHours(2);
    private static readonly TimeSpan FullSweepLimit = TimeSpan.FromHours(25);

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-MON-1", "metrics are guarded, readable and read", "METRICS_BEARER, the scrape job", "401 without the token, 200 with it, collected within 5 minutes",
            "blind operation, or anybody sees it",
            "Set METRICS_BEARER for every service and for the scraper, and let Prometheus collect all five.",
            MetricsAsync) { BeforeTraffic = true },
        new(
            "H-MON-2", "dead letters and lag", "streams", "no dead letters, lag below 5 s",
            "lost revocations or evidence",
            "Read the dead letters, mend the cause, replay them.",
            StreamsAsync) { BeforeTraffic = true },
        new(
            "H-MON-3", "alert rules and who is called", "CARACAL_PROMETHEUS_URL, CARACAL_CONTACTS_FILE", "rules for tamper, revocation, denials; an alert delivered within 24 h; contacts",
            "tampering goes unnoticed",
            "Install the alert rules, send a test alert every day, and write down whom it calls.",
            AlertingChecks.InspectAsync) { BeforeTraffic = true },
        new(
            "H-MON-4", "sweeps of the ledger", "tamper sweeps", "within 2 h, a full one within 25 h, no mismatch",
            "altered evidence goes unnoticed",
            "See why Audit does not sweep; on a mismatch preserve evidence first.",
            SweepsAsync),
    ];

    private static async Task<Finding> MetricsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var service in LiveServices.Names)
        {
            var stranger = await deployment.Services.AskAsync(service, "/metrics", stop);
            if (!stranger.Answered)
            {
                verdict.Unseen(stranger.Body);
                continue;
            }

            if (stranger.Status == 429)
            {
                verdict.Unseen($"{service} answers 429: it is asked too often");
                continue;
            }

            if (stranger.Status != 401) verdict.Fail($"{service} answers {stranger.Status} without a token");
            var known = await deployment.Services.MetricsAsync(service, stop);
            if (known.Status != 200) verdict.Fail($"{service} answers {known.Status} with the token");
            else Scraped(service, known.Body, deployment.Time.GetUtcNow(), verdict);
        }

        return verdict.Finding();
    }

    // Looks of this program are not counted there.
    private static void Scraped(string service, string page, DateTimeOffset now, Verdict verdict)
    {
        if (!MetricsPage.Read(page).TryGetValue("caracal_metrics_last_scrape_unix", out var last)) verdict.Unseen($"{service} does not tell when it was scraped");
        else if (last == 0) verdict.Warn($"nobody collected the metrics of {service} since it started");
        else if (now.ToUnixTimeSeconds() - last > ScrapeLimit.TotalSeconds) verdict.Warn($"nobody collected the metrics of {service} for {(now.ToUnixTimeSeconds() - last) / 60:F0} minutes");
        else verdict.Ok("401 without the token, 200 with it, collected within 5 minutes");
    }

    private static async Task<Finding> StreamsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in LiveServices.Names)
        {
            if (await MetricsPage.ReadAsync(deployment, service, verdict, stop) is not { } series) continue;
            told.UnionWith(series.Keys);
            foreach (var (name, value) in series)
            {
                var dead = name.StartsWith("caracal_dead_letters", StringComparison.Ordinal) || name == "caracal_audit_dlq_size";
                if (dead && value > 0) verdict.Fail($"{service}: {name} is {value}");
                if (name.StartsWith("caracal_stream_lag_seconds", StringComparison.Ordinal) && value > SlowConsumer) verdict.Warn($"{service}: {name} is {value:F0}");
            }

            verdict.Ok("no dead letters, no lag");
        }

        // In one process topics have no dead letters of their own; what a reader refuses is in its service's figures.
        foreach (var missing in DeadStreams.Where(name => !told.Contains(name) && !(deployment.IsEmbedded && name == DeadStreams[0]))) verdict.Unseen($"nobody tells {missing}");

        return verdict.Finding();
    }

    private static async Task<Finding> SweepsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        if (await MetricsPage.ReadAsync(deployment, "audit", verdict, stop) is not { } series) return verdict.Finding();
        foreach (var name in (ReadOnlySpan<string>)["caracal_audit_tamper_mismatch_total", "caracal_audit_tamper_chain_breaks_total", "caracal_audit_tamper_hmac_failures_total"])
        {
            if (!series.TryGetValue(name, out var found)) verdict.Unseen($"Audit does not tell {name}");
            else if (found > 0) verdict.Fail($"{name} is {found}");
        }

        var now = deployment.Time.GetUtcNow().ToUnixTimeSeconds();
        Judge("caracal_audit_tamper_last_sweep_unix", SweepLimit, verdict.Fail);
        Judge("caracal_audit_tamper_last_full_unix", FullSweepLimit, verdict.Warn);
        return verdict.Finding();

        void Judge(string name, TimeSpan limit, Action<string> late)
        {
            if (!series.TryGetValue(name, out var at)) verdict.Unseen($"Audit does not tell {name}");
            else if (at == 0) late("the ledger was never swept");
            else if (now - at > limit.TotalSeconds) late($"last {(limit == SweepLimit ? "" : "full ")}sweep {TimeSpan.FromSeconds(now - at).TotalHours:F0} h ago");
            else verdict.Ok("swept in time, nothing found");
        }
    }
}
