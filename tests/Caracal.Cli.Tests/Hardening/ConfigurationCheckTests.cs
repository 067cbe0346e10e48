using System.Security.Cryptography;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>Every check that needs variables and files only: the good deployment passes it, one fault fails it and says which.</summary>
public sealed class ConfigurationCheckTests
{
    private const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly Dictionary<string, (string Check, string Status, string Says, Action<GoodDeployment> Break)> Faults = new(StringComparer.Ordinal)
    {
        ["dev"] = ("H-MODE-1", "fail", "runs in dev", on => on.Set("CARACAL_MODE", "dev")),
        ["one service in dev"] = ("H-MODE-1", "fail", "sts runs in dev", on => on.Set("STS__CARACAL_MODE", "dev")),
        ["no mode"] = ("H-MODE-1", "fail", "not a mode", on => on.Set("GATEWAY__CARACAL_MODE", "prod")),
        ["mixed modes"] = ("H-MODE-1", "fail", "do not agree", on => on.Set("GATEWAY__CARACAL_MODE", "rc")),
        ["gateway without TLS"] = ("H-TLS-1", "fail", "no certificate", on => on.Set("TLS_CERT_FILE", null)),
        ["api without TLS"] = ("H-TLS-2", "fail", "api is reachable by plain http", on => on.Set("TLS_CERT_FILE", null)),
        ["expired certificate"] = ("H-TLS-3", "fail", "expired", on => on.Certify(days: -1)),
        ["certificate about to expire"] = ("H-TLS-3", "warn", "expires", on => on.Certify(days: 10)),
        ["open key file"] = ("H-TLS-3", "fail", "0644", on => Widen(on.Certificates.Key)),
        ["missing key file"] = ("H-TLS-3", "fail", "not there", on => File.Delete(on.Certificates.Key)),
        ["insecure http"] = ("H-TLS-4", "fail", "INSECURE_HTTP is on for gateway", on => on.Set("GATEWAY__INSECURE_HTTP", "yes")),
        ["insecure sts"] = ("H-TLS-4", "fail", "INSECURE_STS", on => on.Set("INSECURE_STS", "On")),
        ["http to another host"] = ("H-TLS-6", "fail", "http to sts.example.com", on => on.Set("STS_URL", "http://sts.example.com")),
        ["http inside"] = ("H-TLS-6", "warn", "http to sts", on => on.Set("STS_URL", "http://sts:8080")),
        ["short KEK"] = ("H-KEY-1", "fail", "must be 32 bytes", on => Write(on, "zoneKek", "abcd")),
        ["weak KEK"] = ("H-KEY-1", "fail", "repeat the same byte", on => Write(on, "zoneKek", new string('a', 64))),
        ["KEK in a variable"] = ("H-KEY-1", "warn", "plain variable", on => on.Set("ZONE_KEK", Random(32))),
        ["no streams key"] = ("H-KEY-2", "fail", "STREAMS_HMAC_KEY is required", on => File.Delete(on.Secret("streamsHmacKey"))),
        ["another streams key"] = ("H-KEY-2", "fail", "different keys configured", on => on.Set("AUDIT__STREAMS_HMAC_KEY", Random(32))),
        ["no audit key"] = ("H-KEY-3", "fail", "AUDIT_HMAC_KEY is required", on => File.Delete(on.Secret("auditHmacKey"))),
        ["audit key is streams key"] = ("H-KEY-3", "fail", "value of STREAMS_HMAC_KEY", on => File.Copy(on.Secret("streamsHmacKey"), on.Secret("auditHmacKey"), overwrite: true)),
        ["another Gateway key"] = ("H-KEY-4", "fail", "different keys", on => on.Set("GATEWAY__GATEWAY_STS_HMAC_KEY", Random(32))),
        ["secret in a variable"] = ("H-SEC-1", "fail", "AUDIT_HMAC_KEY is a plain variable", on => on.Set("AUDIT_HMAC_KEY", Random(32))),
        ["secret in a variable of one role"] = ("H-SEC-1", "fail", "STS__ZONE_KEK", on => on.Set("STS__ZONE_KEK", Random(32))),
        ["open secrets folder"] = ("H-SEC-2", "fail", "0755", on => Widen(on.Secrets)),
        ["open secret file"] = ("H-SEC-2", "fail", "caracalAdminToken is 0644", on => Widen(on.Secret("caracalAdminToken"))),
        ["open operator file"] = ("H-SEC-2", "fail", "caracal.env is 0644", on => on.Running.Write("caracal.env", "LOG_LEVEL=info\n", Open)),
        ["secrets in a work tree"] = ("H-SEC-3", "fail", "git work tree", on => Directory.CreateDirectory(Path.Combine(on.Running.Home, ".git"))),
        ["one value, two purposes"] = ("H-SEC-4", "fail", "must not be the same value", on => File.Copy(on.Secret("metricsBearer"), on.Secret("caracalAdminToken"), overwrite: true)),
        ["placeholder token"] = ("H-SEC-5", "fail", "placeholder", on => Write(on, "caracalAdminToken", "changeme")),
        ["short token"] = ("H-SEC-5", "fail", "32 random bytes", on => Write(on, "metricsBearer", "short-token")),
        ["replay allowed"] = ("H-RED-2", "fail", "JTI_FAIL_OPEN is on for audit", on => on.Set("JTI_FAIL_OPEN", "true")),
        ["private upstreams"] = ("H-NET-1", "fail", "every one of them", on => Unlist(on)),
        ["private upstreams by list"] = ("H-NET-1", "warn", "api.example.com", on => on.Set("ALLOW_PRIVATE_UPSTREAMS", "true")),
        ["no allowlist"] = ("H-NET-2", "warn", "empty", on => on.Set("UPSTREAM_HOST_ALLOWLIST", null)),
        ["large requests"] = ("H-NET-3", "warn", "10485761", on => on.Set("MAX_REQUEST_BYTES", "10485761")),
        ["long exchanges"] = ("H-NET-4", "warn", "16s", on => on.Set("STS_TIMEOUT", "16s")),
        ["audit on a public address"] = ("H-NET-6", "fail", "audit listens on 8.8.8.8", on => on.Set("AUDIT__HOST", "8.8.8.8")),
        ["Coordinator token is admin token"] = ("H-ADM-4", "fail", "CARACAL_ADMIN_TOKEN", on => File.Copy(on.Secret("caracalAdminToken"), on.Secret("caracalCoordinatorToken"), overwrite: true)),
        ["no journal"] = ("H-BAK-4", "fail", "not there", on => Directory.Delete(Path.Combine(on.Running.Home, "data", "journal", "sts"))),
        ["journal in memory"] = ("H-BAK-4", "fail", "does not outlive", on => on.Set("STS__AUDIT_REPLAY_DIR", "/dev/shm")),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Passes_what_is_good_and_finds_the_one_fault(string name)
    {
        var (check, status, says, breaks) = Faults[name];
        using var deployment = new GoodDeployment();
        Assert.Equal(("ok", true), await Status(deployment, check));

        breaks(deployment);
        var found = await deployment.CheckAsync(check);

        Assert.Equal((status, true), (found.Status, found.Evaluated));
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=verify-full", "ok", "")]
    [InlineData("postgres://u:p@db.example.com/d", "fail", "no TLS is required to db.example.com")]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=prefer", "fail", "no TLS is required")]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=require", "warn", "without a check that it is that host")]
    [InlineData("mysql://u:p@db.example.com/d", "fail", "must be a postgres:// URL")]
    public async Task Judges_the_transport_to_PostgreSQL(string url, string status, string says)
    {
        using var deployment = new GoodDeployment();
        deployment.Set("DATABASE_URL_FILE", deployment.Running.Write("url", url));
        var found = await deployment.CheckAsync("H-PG-1");
        Assert.Equal((status, true), (found.Status, found.Evaluated));
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rediss://:p@redis.example.com", "ok", "")]
    [InlineData("redis://:p@redis:6379", "ok", "")]
    [InlineData("redis://:p@redis.example.com", "fail", "redis:// to redis.example.com")]
    public async Task Judges_the_transport_to_Redis(string url, string status, string says)
    {
        using var deployment = new GoodDeployment();
        deployment.Set("REDIS_URL_FILE", deployment.Running.Write("url", url));
        var found = await deployment.CheckAsync("H-RED-5");
        Assert.Equal((status, true), (found.Status, found.Evaluated));
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_a_live_value_in_a_tracked_file_and_names_the_file_only()
    {
        using var deployment = new GoodDeployment();
        var value = File.ReadAllText(deployment.Secret("auditHmacKey"));
        var clean = deployment.Running.Write("clean.txt", "nothing here");
        var leaking = deployment.Running.Write("values.yaml", $"auditKey: {value}\n");
        var live = new[] { ("AUDIT_HMAC_KEY", new Caracal.Keys.Secrets.SecretText(value)) };

        Assert.Equal(Outcome.Ok, TrackedFiles.Search([clean], live).Outcome);
        var found = TrackedFiles.Search([clean, leaking], live);

        Assert.Equal(Outcome.Fail, found.Outcome);
        Assert.Contains($"{leaking} holds the live value of AUDIT_HMAC_KEY", found.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(value, found.Detail, StringComparison.Ordinal);
        Assert.True((await deployment.CheckAsync("H-SEC-6")).Status is "ok" or "warn"); // of the folder the tests run in
    }

    private static async Task<(string, bool)> Status(GoodDeployment deployment, string check)
    {
        var (status, evaluated, detail) = await deployment.CheckAsync(check);
        Assert.True(status == "ok", $"{check}: {detail}");
        return (status, evaluated);
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
