using System.Data.Common;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.Custody;
using Caracal.Storage.ZoneKeys;
using Dapper;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Who may decide what, as the store has it.</summary>
internal static class AuthorityChecks
{
    private const int MinimumEntropy = 32;
    private const int ManyGlobalTokens = 3;

    // The rows of the deployment's own token and of what the console derives from it stand for files; H-SEC-5 judges those.
    private const string Minted = "created_by NOT IN ('env-bootstrap', 'env-derived', 'env-derived-write', 'env-derived-approve')";
    private static readonly TimeSpan Unused = TimeSpan.FromDays(90);
    private static readonly TimeSpan BootstrapUse = TimeSpan.FromHours(24);
    private static readonly TimeSpan StuckAfter = TimeSpan.FromDays(7);

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-POL-1", "every zone has an active policy set", "policy set bindings", "one active in each zone",
            "the zone denies everything: an outage at first traffic",
            "Activate a policy set in the zone, or archive it.",
            (deployment, stop) => AskAsync(deployment, ZonesWithoutPolicyAsync, stop)) { BeforeTraffic = true },
        new(
            "H-POL-2", "no policy allows everything", "active policies", "a random principal, resource and scope are denied",
            "everything is permitted",
            "Name principals, resources and scopes in the policy.",
            PermissiveChecks.PolicyAsync),
        new(
            "H-ADM-1", "strength of stored tokens", "entropy of admin tokens", "32 bytes or more",
            "the fast hash of a short token can be searched",
            "Revoke the token and make a new one.",
            (deployment, stop) => AskAsync(deployment, WeakTokensAsync, stop)) { BeforeTraffic = true },
        new(
            "H-ADM-2", "operational tokens instead of the bootstrap token", "admin tokens", "at least one besides the bootstrap token, which is not used any more",
            "a shared unrestricted credential is in daily use",
            "Make a token for each operator and pipeline, and put the bootstrap token away.",
            (deployment, stop) => AskAsync(deployment, OperationalTokensAsync, stop)) { BeforeTraffic = true },
        new(
            "H-ADM-3", "number of global write tokens", "admin tokens", "three or fewer, each in use",
            "excess authority",
            "Revoke what is not needed, or narrow it to a zone or to reading.",
            (deployment, stop) => AskAsync(deployment, GlobalTokensAsync, stop)) { Required = false },
        new(
            "H-ADM-4", "Coordinator token", SecretFiles.CoordinatorToken, "not the value of another token, 90 days or younger",
            "agent control can be taken over",
            "Replace the Coordinator token.",
            CoordinatorTokenAsync),
        new(
            "H-ROT-1", "age of keys, rotations under way", "key registry", "no key beyond its age, no rotation older than 7 days",
            "long-lived keys widen the damage of a leak",
            "Rotate by caracal keys; finish or abandon the open rotation.",
            (deployment, stop) => AskAsync(deployment, AgesAndRotationsAsync, stop)),
    ];

    public static async Task<Finding> AskAsync(Deployment deployment, Func<Deployment, DbConnection, Verdict, Task> look, CancellationToken stop)
    {
        var verdict = new Verdict();
        await using var database = deployment.OpenApiDatabase();
        if (database is null) return Finding.NotEvaluated("there is no store here to look into");
        try
        {
            await database.ReadAsync(
                async connection =>
                {
                    await look(deployment, connection, verdict);
                    return 0;
                },
                stop);
            return verdict.Finding();
        }
        catch (StorageUnavailableException)
        {
            return Finding.NotEvaluated("the store does not answer");
        }
    }

    private static async Task ZonesWithoutPolicyAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        var zones = (await connection.QueryAsync<string>(
            """
            SELECT z.id FROM zones z WHERE z.archived_at IS NULL AND NOT EXISTS
              (SELECT 1 FROM policy_set_bindings b WHERE b.zone_id = z.id AND b.active_version_id IS NOT NULL) ORDER BY z.id
            """)).ToList();
        foreach (var zone in zones.Where(zone => deployment.Zone is null || zone == deployment.Zone)) verdict.Fail($"zone {zone} has no active policy set");
        verdict.Ok("every zone has an active policy set");
    }

    private static async Task WeakTokensAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        foreach (var (id, entropy) in await connection.QueryAsync<(string, long?)>(
            $"SELECT id, entropy_bytes FROM admin_tokens WHERE revoked_at IS NULL AND {Minted} ORDER BY id"))
        {
            if (entropy < MinimumEntropy) verdict.Fail($"token {id} has {entropy} random bytes");
            else if (entropy is null) verdict.Unseen($"the strength of token {id} was not recorded");
            else verdict.Ok("32 random bytes or more");
        }

        verdict.Ok("no token was minted here");
    }

    private static async Task OperationalTokensAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        var made = (await connection.QueryAsync<DateTimeOffset>($"SELECT created_at FROM admin_tokens WHERE revoked_at IS NULL AND {Minted} ORDER BY created_at")).ToList();
        if (made.Count == 0)
        {
            verdict.Fail("there is no token but the bootstrap token");
            return;
        }

        var used = await connection.ExecuteScalarAsync<DateTimeOffset?>("SELECT max(last_used_at) FROM admin_tokens WHERE created_by = 'env-bootstrap'");
        var ago = deployment.Time.GetUtcNow() - (used ?? DateTimeOffset.MinValue);
        if (used > made[0] && ago < BootstrapUse) verdict.Warn($"the bootstrap token was used {ago.TotalHours:F0} h ago, after there were {made.Count} operational token(s); this command uses what {SecretFiles.AdminToken} holds");
        else verdict.Ok($"{made.Count} operational token(s)");
    }

    private static async Task GlobalTokensAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        var tokens = (await connection.QueryAsync<(string Id, DateTimeOffset Created, DateTimeOffset? Used)>(
            $"""
            SELECT id, created_at, last_used_at FROM admin_tokens
            WHERE revoked_at IS NULL AND scope = 'global' AND capability = 'write' AND {Minted} ORDER BY id
            """)).ToList();
        if (tokens.Count > ManyGlobalTokens) verdict.Warn($"{tokens.Count} tokens may write everywhere");
        foreach (var token in tokens)
        {
            if (deployment.Time.GetUtcNow() - (token.Used ?? token.Created) > Unused) verdict.Warn($"token {token.Id} was not used for 90 days");
        }

        verdict.Ok($"{tokens.Count} token(s) may write everywhere");
    }

    private static async Task AgesAndRotationsAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        await KeyAgesAsync(deployment, connection, verdict);
        await RotationsAsync(deployment, connection, verdict);
    }

    /// <summary>Whether a key, or what signs in some zone, is older than its class allows.</summary>
    public static async Task KeyAgesAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        await AgesAsync(deployment, connection, verdict, _ => true);
        if (await ZoneKeyStore.OldestActiveAsync(connection) is { } oldest) JudgeAge(deployment, KeyClass.ZoneSigning, oldest, verdict);
        if (await ClientSecretAges.OldestApplicationAsync(connection) is { } application) JudgeAge(deployment, KeyAges.ApplicationSecret, application, verdict);
        if (await ClientSecretAges.OldestWorkloadAsync(connection) is { } workload) JudgeAge(deployment, KeyAges.WorkloadSecret, workload, verdict);
    }

    private static async Task AgesAsync(Deployment deployment, DbConnection connection, Verdict verdict, Func<string, bool> wanted)
    {
        foreach (var (classId, activated) in await connection.QueryAsync<(string, DateTimeOffset?)>(
            "SELECT class, activated_at FROM key_registry WHERE state = 'active' ORDER BY class"))
        {
            if (wanted(classId) && activated is { } since) JudgeAge(deployment, classId, since, verdict);
        }
    }

    private static void JudgeAge(Deployment deployment, string classId, DateTimeOffset since, Verdict verdict)
    {
        if (KeyAges.Limit(classId) is not { } limit) return;
        var age = deployment.Time.GetUtcNow() - since;
        if (age > limit * 2) verdict.Fail($"{classId} is {(int)age.TotalDays} days old");
        else if (age > limit) verdict.Warn($"{classId} is {(int)age.TotalDays} days old");
        else verdict.Ok("no key is beyond its age");
    }

    /// <summary>Whether a rotation was left open.</summary>
    public static async Task RotationsAsync(Deployment deployment, DbConnection connection, Verdict verdict)
    {
        var now = deployment.Time.GetUtcNow();
        foreach (var (id, created) in await connection.QueryAsync<(string, DateTimeOffset)>(
            "SELECT id, created_at FROM key_rotations WHERE state IN ('prepared', 'deployed', 'rolled', 'verified') ORDER BY id"))
        {
            if (now - created > StuckAfter) verdict.Warn($"rotation {id} is open since {created:yyyy-MM-dd}");
        }

        verdict.Ok("no rotation is left open");
    }

    private static async Task<Finding> CoordinatorTokenAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Secret("coordinator", SecretFiles.CoordinatorToken) is not { } token) return Finding.NotEvaluated($"{SecretFiles.CoordinatorToken} is not set");
        foreach (var other in (string[])[SecretFiles.AdminToken, SecretFiles.MetricsBearer, SecretFiles.AuthSecret, SecretFiles.ConsoleReportToken, SecretFiles.StsAdminToken, SecretFiles.AuditAdminToken])
        {
            if (deployment.Secret("coordinator", other) is { } held && held.Value.Equals(token.Value)) return Finding.Fail($"it is the value of {other}");
        }

        var age = await AskAsync(deployment, (_, connection, verdict) => AgesAsync(deployment, connection, verdict, classId => classId == KeyClass.CoordinatorToken), stop);
        return age switch
        {
            { Outcome: Outcome.Fail } => Finding.Warn(age.Detail), // its age alone opens nothing to anybody
            { Outcome: Outcome.NotEvaluated } when deployment.OpenApiDatabase() is null => Finding.Ok("a value of its own; without a store its age is not known"),
            { Outcome: Outcome.Ok } => Finding.Ok("a value of its own, and young enough"),
            _ => age,
        };
    }
}
