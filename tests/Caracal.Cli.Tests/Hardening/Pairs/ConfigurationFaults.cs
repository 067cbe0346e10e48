using System.Security.Cryptography;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of variables and files.</summary>
internal static class ConfigurationFaults
{
    private const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static IReadOnlyDictionary<string, Pair> All { get; } = new Dictionary<string, Pair>(StringComparer.Ordinal)
    {
        ["dev"] = new("H-MODE-1", "fail", "runs in dev", on => on.Set("CARACAL_MODE", "dev")),
        ["one service in dev"] = new("H-MODE-1", "fail", "sts runs in dev", on => on.Set("STS__CARACAL_MODE", "dev")),
        ["no mode"] = new("H-MODE-1", "fail", "not a mode", on => on.Set("GATEWAY__CARACAL_MODE", "prod")),
        ["mixed modes"] = new("H-MODE-1", "fail", "do not agree", on => on.Set("GATEWAY__CARACAL_MODE", "rc")),
        ["gateway without TLS"] = new("H-TLS-1", "fail", "no certificate", on => Certified(on, "STS", "API", "COORDINATOR")),
        ["api without TLS"] = new("H-TLS-2", "fail", "api is reachable by plain http", on =>
        {
            Certified(on, "STS", "GATEWAY", "COORDINATOR");
            if (on.Live is not null) on.Between("api", ServiceFaults.Posture("HOST", "0.0.0.0")); // the one behind it is on loopback
        }),
        ["expired certificate"] = new("H-TLS-3", "fail", "expired", on => on.Certify(days: -1)),
        ["certificate about to expire"] = new("H-TLS-3", "warn", "expires", on => on.Certify(days: 10)),
        ["open key file"] = new("H-TLS-3", "fail", "0644", on => Widen(on.Certificates.Key)),
        ["missing key file"] = new("H-TLS-3", "fail", "not there", on => File.Delete(on.Certificates.Key)),
        ["insecure http"] = new("H-TLS-4", "fail", "INSECURE_HTTP is on for gateway", on => on.Set("GATEWAY__INSECURE_HTTP", "yes")),
        ["insecure sts"] = new("H-TLS-4", "fail", "INSECURE_STS", on => on.Set("INSECURE_STS", "On")),
        ["http to another host"] = new("H-TLS-6", "fail", "http to sts.example.com", on => on.Set("STS_URL", "http://sts.example.com")),
        ["http inside"] = new("H-TLS-6", "warn", "http to sts", on => on.Set("STS_URL", "http://sts:8080")),
        ["short KEK"] = new("H-KEY-1", "fail", "must be 32 bytes", on => Write(on, "zoneKek", "abcd")) { Also = ["H-BAK-2"] },
        ["weak KEK"] = new("H-KEY-1", "fail", "repeat the same byte", on => Write(on, "zoneKek", new string('a', 64))) { Also = ["H-BAK-2"] },
        ["KEK in a variable"] = new("H-KEY-1", "warn", "plain variable", on => on.Set("ZONE_KEK", File.ReadAllText(on.Secret("zoneKek")).Trim())) { Also = ["H-SEC-1"] },
        ["no streams key"] = new("H-KEY-2", "fail", "STREAMS_HMAC_KEY is required", on => File.Delete(on.Secret("streamsHmacKey"))),
        ["another streams key"] = new("H-KEY-2", "fail", "different keys configured", on => on.Set("AUDIT__STREAMS_HMAC_KEY_FILE", on.Running.Write("other", Random(32)))),
        ["no audit key"] = new("H-KEY-3", "fail", "AUDIT_HMAC_KEY is required", on => File.Delete(on.Secret("auditHmacKey"))),
        ["audit key is streams key"] = new("H-KEY-3", "fail", "value of STREAMS_HMAC_KEY", on => File.Copy(on.Secret("streamsHmacKey"), on.Secret("auditHmacKey"), overwrite: true)) { Also = ["H-SEC-4"] },
        ["another Gateway key"] = new("H-KEY-4", "fail", "different keys", on => on.Set("GATEWAY__GATEWAY_STS_HMAC_KEY_FILE", on.Running.Write("other", Random(32)))),
        ["secret in a variable"] = new("H-SEC-1", "fail", "AUDIT_HMAC_KEY is a plain variable", on => on.Set("AUDIT_HMAC_KEY", File.ReadAllText(on.Secret("auditHmacKey")).Trim())),
        ["secret in a variable of one role"] = new("H-SEC-1", "fail", "STS__ZONE_KEK", on => on.Set("STS__ZONE_KEK", File.ReadAllText(on.Secret("zoneKek")).Trim())),
        ["open secrets folder"] = new("H-SEC-2", "fail", "0755", on => Widen(on.Secrets)),
        ["open secret file"] = new("H-SEC-2", "fail", "caracalAdminToken is 0644", on => Widen(on.Secret("caracalAdminToken"))),
        ["open operator file"] = new("H-SEC-2", "fail", "caracal.env is 0644", on => on.Running.Write("caracal.env", "LOG_LEVEL=info\n", Open)),
        ["secrets in a work tree"] = new("H-SEC-3", "fail", "git work tree", on => Directory.CreateDirectory(Path.Combine(on.Running.Home, ".git"))),
        ["one value, two purposes"] = new("H-SEC-4", "fail", "must not be the same value", on => File.Copy(on.Secret("metricsBearer"), on.Secret("caracalAuthSecret"), overwrite: true)),
        ["placeholder token"] = new("H-SEC-5", "fail", "placeholder", on => Write(on, "caracalAdminToken", "changeme")),
        ["short token"] = new("H-SEC-5", "fail", "32 random bytes", on => Write(on, "caracalCoordinatorToken", "short-token")),
        ["replay allowed"] = new("H-RED-2", "fail", "JTI_FAIL_OPEN is on for audit", on => on.Set("JTI_FAIL_OPEN", "true")),
        ["private upstreams"] = new("H-NET-1", "fail", "every one of them", on => Unlist(on)),
        ["private upstreams by list"] = new("H-NET-1", "warn", "api.example.com", on => on.Set("ALLOW_PRIVATE_UPSTREAMS", "true")),
        ["no allowlist"] = new("H-NET-2", "warn", "empty", on => on.Set("UPSTREAM_HOST_ALLOWLIST", null)),
        ["large requests"] = new("H-NET-3", "warn", "10485761", on => on.Set("MAX_REQUEST_BYTES", "10485761")),
        ["long exchanges"] = new("H-NET-4", "warn", "16s", on => on.Set("STS_TIMEOUT", "16s")),
        ["audit on a public address"] = new("H-NET-6", "fail", "audit listens on 8.8.8.8", on => on.Set("AUDIT__HOST", "8.8.8.8")),
        ["Coordinator token is admin token"] = new("H-ADM-4", "fail", "CARACAL_ADMIN_TOKEN", on => File.Copy(on.Secret("caracalAdminToken"), on.Secret("caracalCoordinatorToken"), overwrite: true)) { Also = ["H-SEC-4"] },
        ["Coordinator token is Audit's"] = new("H-ADM-4", "fail", "AUDIT_ADMIN_TOKEN", on => File.Copy(on.Secret("caracalCoordinatorToken"), on.Secret("auditAdminToken"), overwrite: true)) { Also = ["H-SEC-4"] },
        ["no journal"] = new("H-BAK-4", "fail", "not there", on => Directory.Delete(Path.Combine(on.Running.Home, "data", "journal", "sts"))),
        ["journal in memory"] = new("H-BAK-4", "fail", "does not outlive", on => on.Set("STS__AUDIT_REPLAY_DIR", "/dev/shm")),
    };

    // A certificate for these services, and for no other.
    internal static void Certified(GoodDeployment on, params string[] services)
    {
        on.Set("TLS_CERT_FILE", null);
        foreach (var service in services) on.Set($"{service}__TLS_CERT_FILE", on.Certificates.Certificate);
    }

    private static string Random(int bytes) => RandomNumberGenerator.GetHexString(bytes * 2, lowercase: true);

    private static void Write(GoodDeployment on, string secret, string text) => File.WriteAllText(on.Secret(secret), text);

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Interoperability", "CA1416", Justification = "The tests run on Linux.")]
    private static void Widen(string path) =>
        File.SetUnixFileMode(path, Directory.Exists(path) ? Open | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute : Open);

    private static void Unlist(GoodDeployment on)
    {
        on.Set("ALLOW_PRIVATE_UPSTREAMS", "true");
        on.Set("UPSTREAM_HOST_ALLOWLIST", null);
    }
}
