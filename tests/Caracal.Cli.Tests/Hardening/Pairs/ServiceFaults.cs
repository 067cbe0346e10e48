using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of services, of what stands around them, and of what is stored.</summary>
internal static class ServiceFaults
{
    public static IReadOnlyDictionary<string, Pair> All { get; } = new Dictionary<string, Pair>(StringComparer.Ordinal)
    {
        ["STS takes a bad secret"] = new("H-ENF-1", "fail", "sts answers a bad secret with 200", on => on.Between("sts", (request, answer) =>
            request.RawUrl == "/oauth/2/token" ? new EdgeAnswer(200, "{}") : answer)),
        ["Gateway passes everybody"] = new("H-ENF-2", "fail", "gateway answers no bearer with 200", on => on.Between("gateway", (request, answer) =>
            request.RawUrl == "/harden-probe" ? new EdgeAnswer(200, "") : answer)),
        ["API knows everybody"] = new("H-ENF-3", "fail", "api answers no token with 200", on => on.Between("api", (request, answer) =>
            answer.Status == 401 && request.RawUrl!.StartsWith("/v1/", StringComparison.Ordinal) ? new EdgeAnswer(200, "{}") : answer)),
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
