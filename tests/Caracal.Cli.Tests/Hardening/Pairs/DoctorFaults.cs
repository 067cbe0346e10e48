using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults that <c>doctor</c> tells of, by section and name of the check.</summary>
internal static class DoctorFaults
{
    public static IReadOnlyDictionary<string, Pair> All { get; } = new Dictionary<string, Pair>(StringComparer.Ordinal)
    {
        ["API is ill"] = new("health api health", "fail", "the API answers 500", on => on.Between("api", Answer("/health", 500, ""))),
        ["API is late"] = new("health clock", "fail", "s apart", on => on.Between("api", Late(60))),
        ["API is a little late"] = new("health clock", "warn", "s apart", on => on.Between("api", Late(10))),
        ["another admin token"] = new("health admin token", "fail", "answers the admin token with 401", on => File.WriteAllText(on.Secret("caracalAdminToken"), RandomNumberGenerator.GetHexString(64))),
        ["api not ready"] = NotReady("api"),
        ["sts not ready"] = NotReady("sts"),
        ["gateway not ready"] = NotReady("gateway"),
        ["audit not ready"] = NotReady("audit"),
        ["coordinator not ready"] = NotReady("coordinator"),
        ["policy does not compile"] = new("readiness sts policies", "fail", "1 policies did not compile", on => on.Between("sts", ServiceFaults.Metrics("caracal_sts_opa_compile_errors_total 1"))),
        ["evaluation fails"] = new("readiness sts policies", "warn", "1 evaluations failed", on => on.Between("sts", ServiceFaults.Metrics("caracal_sts_opa_eval_errors_total 1"))),
        ["events with a wrong key"] = new("readiness audit intake", "warn", "2 events with a wrong signature", on => on.Between("audit", ServiceFaults.Metrics("caracal_audit_hmac_failures_total 2"))),
        ["audit is behind"] = new("readiness audit intake", "warn", "1001 events wait", on => on.Between("audit", ServiceFaults.Metrics("caracal_audit_consumer_lag 1001"))),
        ["outbox gave up"] = new("readiness coordinator outbox", "warn", "1 dead rows", on => on.Between("coordinator", ServiceFaults.Metrics("caracal_outbox_total{status=\"dead\"} 1"))),
        ["outbox is behind"] = new("readiness coordinator outbox", "warn", "501 rows wait", on => on.Between("coordinator", ServiceFaults.Metrics("caracal_outbox_total{status=\"pending\"} 501"))),
        ["gateway tells nothing"] = new("readiness gateway figures", "warn", "does not tell caracal_gateway_revocations_active", on => on.Between("gateway", (request, answer) =>
            answer with { Body = answer.Body.Replace("caracal_gateway_revocations_active", "x", StringComparison.Ordinal) }))
        {
            Unseen = true,
        },
        ["zone cannot be read"] = new("zones lookup and resources", "fail", "answers 500 to the resources", on => on.Between("api", Answer("/resources?", 500, ""))),
        ["zone without resource"] = new("zones lookup and resources", "warn", "has no resource", on => on.Between("api", Answer("/resources?", 200, """{"items":[],"next_cursor":null}"""))),
        ["events cannot be read"] = new("zones audit query", "fail", "answers 403 to a query", on => on.Between("api", Answer("/audit?", 403, "{}"))),
        ["no mode"] = new("preflight mode", "fail", "none of dev, rc, stable", on => on.Set("GATEWAY__CARACAL_MODE", "prod")),
        ["weak token"] = new("preflight keys and tokens", "fail", "CARACAL_COORDINATOR_TOKEN", on => File.WriteAllText(on.Secret("caracalCoordinatorToken"), "changeme")),
        ["expired certificate"] = new("preflight certificates", "fail", "expired", on => on.Certify(days: -1)),
        ["certificate without key"] = new("preflight certificates", "fail", "are not both set", on => on.Set("TLS_KEY_FILE", null)),
        ["another issuer"] = new("keys D-KEY-1 issuer and JWKS", "fail", "the STS writes the issuer", on => on.Set("STS__ISSUER_URL", "https://other.example")),
        ["Gateway that does not find a key"] = new("keys D-KEY-1 issuer and JWKS", "fail", "does not find key", Lost),
        ["another instance with another streams key"] = new("keys D-KEY-3 streams key", "fail", "coordinator/second has sid_2222222222222222", on => on.Between("api", Instances(items =>
        {
            var second = items.First(item => (string?)item!["service"] == "coordinator")!.DeepClone();
            second["instance"] = "second";
            second["key_slots"]!["streams-hmac"]!["current"] = "sid_2222222222222222";
            items.Add(second);
        }))),
        ["another audit key"] = Holds("D-KEY-2 audit key", "audit", "audit-hmac"),
        ["another streams key"] = Holds("D-KEY-3 streams key", "coordinator", "streams-hmac"),
        ["another Gateway key"] = Holds("D-KEY-4 Gateway-STS key", "gateway", "gateway-sts-hmac"),
        ["rotation left open"] = new("keys D-KEY-5 open rotations", "warn", "rotation rot_old is open", on => on.Execute(ServiceFaults.OpenRotation)),
        ["old key"] = new("keys D-KEY-6 ages", "warn", "streams-hmac is", on => on.Execute("UPDATE key_registry SET activated_at = 0 WHERE class = 'streams-hmac'")),
        ["key of another deployment"] = new("keys D-KEY-7 registry", "fail", "zone-kek sid_2222222222222222, held by sts, is not registered", on => on.Between("sts", Key("zone-kek"))),
        ["key put in by hand"] = new("keys D-KEY-7 registry", "fail", "configured, is not registered", on => File.WriteAllText(on.Secret("streamsHmacKey"), RandomNumberGenerator.GetHexString(64, lowercase: true))),
        ["key that was retired"] = new("keys D-KEY-7 registry", "fail", "is retired", on => on.Execute("UPDATE key_registry SET state = 'retired' WHERE class = 'audit-hmac'")),
    };

    private static Pair NotReady(string service) =>
        new($"readiness {service}", "fail", "503 postgres_unreachable", on => on.Between(service, Answer("/ready", 503, """{"ok":false,"ready":false,"reason":"postgres_unreachable"}""")));

    // The registry knows the key: that it is another one than the other services hold is the only fault.
    private static Pair Holds(string check, string service, string classId) => new($"keys {check}", "fail", $"{service} has sid_2222222222222222", on =>
    {
        on.Execute($"INSERT INTO key_registry (class, scope, sid, state, first_seen_at) VALUES ('{classId}', '', 'sid_2222222222222222', 'next', 0)");
        on.Between(service, Key(classId));
    });

    private static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Answer(string path, int status, string body) =>
        (request, answer) => request.RawUrl!.Contains(path, StringComparison.Ordinal) ? new EdgeAnswer(status, body) : answer;

    // A Gateway at its own address, which cannot get the STS's keys.
    private static void Lost(GoodDeployment on)
    {
        var gateway = on.Keep(new Edge(on.Live!.ServiceUrl("gateway"), (request, answer) =>
            request.RawUrl!.StartsWith("/internal/zones/", StringComparison.Ordinal) ? answer with { Body = """{"found":false,"age_seconds":null}""" } : answer));
        on.Between("api", Instances(items =>
        {
            foreach (var item in items.Where(item => (string?)item!["service"] == "gateway")) item!["address"] = gateway.Url;
        }));
    }

    private static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Instances(Action<JsonArray> change) => (request, answer) =>
    {
        if (request.RawUrl != "/v1/operations/instances" || answer.Status != 200) return answer;
        var report = JsonNode.Parse(answer.Body)!;
        change(report["items"]!.AsArray());
        return answer with { Body = report.ToJsonString() };
    };

    private static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Late(int seconds) =>
        (_, answer) => answer with { Date = answer.Date?.AddSeconds(-seconds) };

    private static Func<HttpListenerRequest, EdgeAnswer, EdgeAnswer> Key(string classId) => (request, answer) =>
    {
        if (request.RawUrl != "/internal/keys" || answer.Status != 200) return answer;
        var report = JsonNode.Parse(answer.Body)!;
        report["classes"]![classId]!["current"] = "sid_2222222222222222";
        return answer with { Body = report.ToJsonString() };
    };
}
