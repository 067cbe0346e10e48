using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of services, of what stands around them, and of what is stored.</summary>
internal static class ServiceFaults
{
    public static IReadOnlyDictionary<string, Pair> All { get; } = new Dictionary<string, Pair>(StringComparer.Ordinal)
    {
        ["STS takes a bad secret"] = new("H-ENF-1", "fail", "sts answers a bad secret with 200", on => on.Between("sts", (request, answer) =>
            request.RawUrl == "/oauth/2/token" ? new EdgeAnswer(200, "{}") : answer)),
        ["STS takes a nonce twice"] = new("H-ENF-1", "fail", "sts answers a replayed nonce with 200", on => on.Between("sts", Instead("/internal/gateway/ping", 401, 200, "{}"))),
        ["STS answers something else"] = new("H-ENF-1", "fail", "sts answers a bad secret with 404", on => on.Between("sts", Instead("/oauth/2/token", 401, 404, "{}"))),
        ["Gateway needs no resource"] = new("H-ENF-2", "fail", "gateway answers no resource with 200", on => on.Between("gateway", (_, answer) =>
            answer.Body.Contains("missing routing headers", StringComparison.Ordinal) ? new EdgeAnswer(200, "") : answer)),
        ["Gateway follows dots"] = new("H-ENF-2", "fail", "gateway answers encoded dots with 200", on => on.Between("gateway", Instead("/%2e%2e/", 400, 200, ""))),
        ["Gateway takes forged mandates"] = new("H-ENF-2", "fail", "gateway answers a forged signature with 200", on => on.Between("gateway", (_, answer) =>
            answer.Body.Contains("signature", StringComparison.Ordinal) ? new EdgeAnswer(200, "") : answer)),
        ["Gateway calls metadata"] = new("H-ENF-2", "fail", "the Gateway would call 169.254.169.254", on => on.Between("gateway", Instead("/internal/egress/", 200, 200, """{"allowed":true}"""))),
        ["Control without a guard"] = new("H-ENF-3", "fail", "Control answers 200 to who has no token", on => on.Between("api", Instead("/v1/control/invoke", 401, 200, "{}"))),
        ["Control without its gate"] = new("H-ENF-3", "fail", "its gate file is not there", on => on.Between("api", Instead("/v1/control/invoke", 401, 503, """{"ok":false,"error":{"code":"control_disabled"}}"""))),
        ["Control takes a token twice"] = new("H-ENF-3", "fail", "a token works twice at Control", on => on.Between("api", Instead("/internal/selftest/control", 200, 200, """{"gate_open":true,"replay_refused":false,"spent":"accepted","spent_again":"accepted"}"""))),
        ["Control answers where it is off"] = new("H-ENF-3", "fail", "Control is off, and answers 401", on => on.Between("api", Posture("CARACAL_CONTROL_ENABLED", "false"))),
        ["Gateway runs insecure"] = new("H-TLS-4", "fail", "INSECURE_STS is on for the running gateway", on => on.Between("gateway", Posture("INSECURE_STS", "true"))),
        ["Gateway runs without replay protection"] = new("H-RED-2", "fail", "on for the running gateway", on => on.Between("gateway", Posture("JTI_FAIL_OPEN", "yes"))),
        ["STS runs with private upstreams"] = new("H-NET-1", "warn", "the running sts: private upstreams are allowed among api.example.com", on => on.Between("sts", Posture("ALLOW_PRIVATE_UPSTREAMS", "true"))),
        ["Gateway runs with private upstreams"] = new("H-NET-1", "fail", "the running gateway: private upstreams are allowed, and every one", on => on.Between("gateway", Posture("ALLOW_PRIVATE_UPSTREAMS", "true", without: "UPSTREAM_HOST_ALLOWLIST"))),
        ["Gateway runs without its list"] = new("H-NET-2", "warn", "the running Gateway has no", on => on.Between("gateway", Posture("X", "", without: "UPSTREAM_HOST_ALLOWLIST"))),
        ["Gateway takes large requests"] = new("H-NET-3", "warn", "20971520 for the running gateway", on => on.Between("gateway", Posture("MAX_REQUEST_BYTES", "20971520"))),
        ["Gateway waits long"] = new("H-NET-4", "warn", "30s for the running gateway", on => on.Between("gateway", Posture("STS_TIMEOUT", "30s"))),
        ["nobody collects"] = new("H-MON-1", "warn", "nobody collected the metrics of gateway since it started", on => on.Between("gateway", Metrics("caracal_metrics_last_scrape_unix 0"))),
        ["nobody collects any more"] = new("H-MON-1", "warn", "nobody collected the metrics of sts for", on => on.Between("sts", Metrics("caracal_metrics_last_scrape_unix 1000000000"))),
        ["bootstrap token in use"] = new("H-ADM-2", "warn", "the bootstrap token was used 0 h ago", on => on.Execute(
            $"UPDATE admin_tokens SET last_used_at = {DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000} WHERE created_by = 'env-bootstrap'")),
        ["old Coordinator token"] = new("H-ADM-4", "warn", "coordinator-token is 100 days old", on => on.Execute(
            $"UPDATE key_registry SET activated_at = {DateTimeOffset.UtcNow.AddDays(-100).ToUnixTimeMilliseconds() * 1000} WHERE class = 'coordinator-token'")),
        ["old zone key"] = new("H-ROT-1", "fail", "zone-signing is", on => on.Execute("UPDATE secrets SET created_at = 0, activates_at = 0 WHERE state = 'active'")),
        ["Gateway passes everybody"] = new("H-ENF-2", "fail", "gateway answers no bearer with 200", on => on.Between("gateway", (request, answer) =>
            request.RawUrl == "/harden-probe" ? new EdgeAnswer(200, "") : answer)),
        ["API knows everybody"] = new("H-ENF-3", "fail", "api answers no token with 200", on => on.Between("api", (request, answer) =>
            answer.Status == 401 && request.RawUrl!.StartsWith("/v1/", StringComparison.Ordinal) ? new EdgeAnswer(200, "{}") : answer)),
        ["something else in the Coordinator's place"] = new("H-ENF-3", "fail", "coordinator answers the Coordinator without a token with 404", on => on.Between("coordinator", Instead("/zones/", 401, 404, "{}"))),
        ["metrics for everybody"] = new("H-MON-1", "fail", "audit answers 200 without a token", on => on.Between("audit", (request, answer) =>
            request.RawUrl == "/metrics" && answer.Status == 401 ? new EdgeAnswer(200, "") : answer)),
        ["dead letters"] = new("H-MON-2", "fail", "caracal.sessions.revoke.dead", on => on.Between("gateway", Metrics("caracal_dead_letters{stream=\"caracal.sessions.revoke.dead\"} 2"))),
        ["slow consumer"] = new("H-MON-2", "warn", "is 6", on => on.Between("gateway", Metrics("caracal_stream_lag_seconds{stream=\"s\",group=\"g\"} 6"))),
        ["rule not loaded"] = new("H-MON-3", "fail", "CaracalAuditTamperDetected is not loaded", on => Monitor(on, LiveDeployment.Monitoring(LiveDeployment.RulesWithout("CaracalAuditTamperDetected")))),
        ["no alert arrives"] = new("H-MON-3", "warn", "no alert was delivered", on => Monitor(on, LiveDeployment.Monitoring(delivered: "0"))),
        ["nobody to call"] = new("H-MON-3", "warn", "who on-call is", on => on.Running.Write("contacts", "security: sec@example.com\n")),
        ["no contacts"] = new("H-MON-3", "warn", "names no file of contacts", on => on.Set("CARACAL_CONTACTS_FILE", null)),
        ["altered ledger"] = new("H-MON-4", "fail", "caracal_audit_tamper_mismatch_total is 1", on => on.Between("audit", Metrics("caracal_audit_tamper_mismatch_total 1"))),
        ["no sweep"] = new("H-MON-4", "fail", "last sweep", on => on.Between("audit", Metrics("caracal_audit_tamper_last_sweep_unix 1000000000"))),
        ["no full sweep"] = new("H-MON-4", "warn", "last full sweep", on => on.Between("audit", Metrics("caracal_audit_tamper_last_full_unix 1000000000"))),
        ["no limit announced"] = new("H-NET-5", "warn", "in front of step-up", on => on.Between("sts", (_, answer) => answer, announces: false)),
        ["edge with old TLS"] = new("H-TLS-5", "fail", "gateway at 127.0.0.1 accepts TLS 1.1", on => Edge(on, 22)) { Arrange = on => Edge(on, 21) },
        ["policy for everybody"] = new("H-POL-2", "fail", "do not exist", on => on.Between("api", (request, answer) =>
            request.RawUrl!.EndsWith("/simulate", StringComparison.Ordinal) ? new EdgeAnswer(200, """{"explanation":{"evaluation":"executed","decision":"allow"}}""") : answer)),
        ["running service that calls another host by http"] = new("H-TLS-6", "fail", "http to sts.example.net", on => on.Between("api", Posture("STS_URL", "http://sts.example.net"))),
        ["live value in git"] = new("H-SEC-6", "fail", "holds the live value of AUDIT_HMAC_KEY", on => File.Copy(on.Secret("auditHmacKey"), Path.Combine(on.Running.Home, "work", "tracked"), overwrite: true))
        {
            Arrange = WorkTree,
        },
        ["zone without policy"] = new("H-POL-1", "fail", "has no active policy set", on => on.Execute("UPDATE policy_set_bindings SET active_version_id = NULL")),
        ["weak token"] = new("H-ADM-1", "fail", "has 8 random bytes", on => on.Execute("UPDATE admin_tokens SET entropy_bytes = 8 WHERE name = 'operator'")),
        ["bootstrap token only"] = new("H-ADM-2", "fail", "no token but the bootstrap token", on => on.Execute("DELETE FROM admin_tokens WHERE name = 'operator'")),
        ["unused token"] = new("H-ADM-3", "warn", "not used for 90 days", on => on.Execute("UPDATE admin_tokens SET created_at = 0 WHERE name = 'operator'")),
        ["old key"] = new("H-ROT-1", "fail", "streams-hmac is", on => on.Execute("UPDATE key_registry SET activated_at = 0 WHERE class = 'streams-hmac'")),
        ["rotation left open"] = new("H-ROT-1", "warn", "rotation rot_old is open", on => on.Execute(OpenRotation)),
        ["no backup"] = new("H-BAK-1", "fail", "holds no backup", on => Directory.GetFiles(Path.Combine(on.Running.Home, "backups")).ToList().ForEach(File.Delete)),
        ["KEK that opens nothing"] = new("H-BAK-2", "fail", "which is not here", on => File.WriteAllText(on.Secret("zoneKek"), RandomNumberGenerator.GetHexString(64, lowercase: true))),
        ["no drill"] = new("H-BAK-3", "warn", "was ever restored", on => File.Delete(Path.Combine(on.Running.Home, "drills.jsonl"))),
    };

    /// <summary>A rotation that nobody finished. Times are microseconds here: 0 is 1970.</summary>
    internal const string OpenRotation =
        """
        INSERT INTO key_rotations (id, class, scope, state, to_sid, location, version_label, reason_kind, reason, actor, overlap_seconds, rollback_window_seconds, emergency, created_at, updated_at)
        VALUES ('rot_old', 'streams-hmac', '', 'deployed', 'sid_1', 'file:x', '', 'scheduled', 'left open', 'ops', 0, 0, 0, 0, 0)
        """;

    /// <summary>A series of the metrics page with another value, or a new one.</summary>
    internal static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Metrics(string line)
    {
        var name = line[..(line.LastIndexOf(' ') + 1)];
        return (request, answer) => request.RawUrl == "/metrics" && answer.Status == 200
            ? answer with { Body = string.Join('\n', answer.Body.TrimEnd().Split('\n').Where(had => !had.StartsWith(name, StringComparison.Ordinal)).Append(line)) + "\n" }
            : answer;
    }

    // Another answer in place of one.
    private static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Instead(string path, int status, int then, string body) =>
        (request, answer) => request.RawUrl!.StartsWith(path, StringComparison.Ordinal) && answer.Status == status ? new EdgeAnswer(then, body) : answer;

    // A service that says it started with another setting.
    internal static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Posture(string name, string value, string? without = null) => (request, answer) =>
    {
        if (request.RawUrl != "/internal/posture" || answer.Status != 200) return answer;
        var report = JsonNode.Parse(answer.Body)!;
        report["settings"]![name] = value;
        if (without is not null) report["settings"]!.AsObject().Remove(without);
        return answer with { Body = report.ToJsonString() };
    };

    private static void Monitor(GoodDeployment on, ForeignServer monitoring) => on.Set("CARACAL_PROMETHEUS_URL", on.Keep(monitoring).Url);

    // What answers a TLS 1.1 hello with a handshake record goes on with it; with an alert it refuses.
    private static void Edge(GoodDeployment on, byte record) => on.Set("CARACAL_GATEWAY_URL", $"https://127.0.0.1:{on.Keep(ForeignServer.Raw(record, 3, 2, 0, 2)).Port}");

    private static void WorkTree(GoodDeployment on)
    {
        var folder = Directory.CreateDirectory(Path.Combine(on.Running.Home, "work")).FullName;
        File.WriteAllText(Path.Combine(folder, "tracked"), "nothing here");
        foreach (var words in (string[])["init --quiet", "add tracked"])
        {
            using var git = Process.Start(new ProcessStartInfo("git", $"-C {folder} {words}"))!;
            git.WaitForExit();
            Assert.Equal(0, git.ExitCode);
        }

        on.Set("PWD", folder);
    }
}
