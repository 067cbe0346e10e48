using System.Text.Json;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Whether every service that needs a key has it, and the same one.</summary>
internal static class KeyChecks
{
    private static readonly string[] KekRoles = [StackRoles.Api, StackRoles.Sts];
    private static readonly string[] SharedKeyRoles = [StackRoles.Gateway, StackRoles.Sts, StackRoles.Api];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-KEY-1", "key-encryption key", SecretFiles.ZoneKek, "32 random bytes, from a file or a secret manager",
            "its holder can open all signing keys and provider credentials",
            "Move the key out of the environment into a file (ZONE_KEK_FILE or CARACAL_SECRETS_DIR); replace a weak one by caracal keys rotate.",
            Check.Look(Kek)) { BeforeTraffic = true },
        new(
            "H-KEY-2", "streams key on all five", SecretFiles.StreamsHmacKey, "present and the same everywhere",
            "forged revocations, or suppressed ones",
            "Give all five services the same STREAMS_HMAC_KEY.",
            (deployment, stop) => SameAsync(deployment, SecretFiles.StreamsHmacKey, KeyClass.StreamsHmac, StackRoles.Services, stop))
        {
            BeforeTraffic = true,
            Repairs = deployment => Generate(deployment, SecretFiles.StreamsHmacKey, StackRoles.Services),
        },
        new(
            "H-KEY-3", "audit key on all producers and Audit", SecretFiles.AuditHmacKey, "present, the same everywhere, not the streams key",
            "audit records can be forged undetected",
            "Give all five services the same AUDIT_HMAC_KEY, and not the value of STREAMS_HMAC_KEY.",
            AuditKeyAsync)
        {
            BeforeTraffic = true,
            Repairs = deployment => Generate(deployment, SecretFiles.AuditHmacKey, StackRoles.Services),
        },
        new(
            "H-KEY-4", "Gateway-STS key", SecretFiles.GatewayStsHmacKey, "present and the same on Gateway, STS and API",
            "any network peer could request brokered provider credentials",
            "Give Gateway, STS and API the same GATEWAY_STS_HMAC_KEY.",
            (deployment, stop) => SameAsync(deployment, SecretFiles.GatewayStsHmacKey, KeyClass.GatewayStsHmac, SharedKeyRoles, stop))
        {
            Repairs = deployment => Generate(deployment, SecretFiles.GatewayStsHmacKey, SharedKeyRoles),
        },
    ];

    private static Finding Kek(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var role in KekRoles)
        {
            var secrets = deployment.Secrets(role);
            var ring = secrets.KekRing(required: true);
            foreach (var problem in secrets.Problems) verdict.Fail($"{role}: {problem}");
            var source = (secrets.Find(SecretFiles.ZoneKek) ?? secrets.Find(SecretFiles.ZoneKekAlias))?.Source;
            if (ring is null) continue;
            if (source == "env") verdict.Warn($"{role} reads {SecretFiles.ZoneKek} from a plain variable");
            else verdict.Ok($"{ring.Current.SecretId} from a file");
        }

        return verdict.Finding();
    }

    private static async Task<Finding> AuditKeyAsync(Deployment deployment, CancellationToken stop)
    {
        foreach (var role in StackRoles.Services)
        {
            var audit = deployment.Secret(role, SecretFiles.AuditHmacKey)?.Value;
            var streams = deployment.Secret(role, SecretFiles.StreamsHmacKey)?.Value;
            if (audit is not null && streams is not null && audit.Reveal().Equals(streams.Reveal(), StringComparison.OrdinalIgnoreCase))
            {
                return Finding.Fail($"{role}: {SecretFiles.AuditHmacKey} is the value of {SecretFiles.StreamsHmacKey}");
            }
        }

        return await SameAsync(deployment, SecretFiles.AuditHmacKey, KeyClass.AuditHmac, StackRoles.Services, stop);
    }

    private static async Task<Finding> SameAsync(
        Deployment deployment, string variable, string classId, IReadOnlyList<string> roles, CancellationToken stop)
    {
        var verdict = new Verdict();
        var configured = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var role in roles)
        {
            var secrets = deployment.Secrets(role);
            if (secrets.HmacRing(variable, required: true) is { } ring) configured[role] = ring.SecretId;
            foreach (var problem in secrets.Problems) verdict.Fail($"{role}: {problem}");
        }

        Compare(configured, "configured", verdict);
        Compare(await HeldAsync(deployment, classId, roles, stop), "held by running services", verdict);
        return verdict.Finding();
    }

    private static void Compare(Dictionary<string, string> byRole, string how, Verdict verdict)
    {
        var groups = byRole.GroupBy(pair => pair.Value).OrderByDescending(group => group.Count()).ToList();
        if (groups.Count == 0) return;
        if (groups.Count == 1) verdict.Ok($"{groups[0].Key} {how}");
        else verdict.Fail($"different keys {how}: {string.Join(", ", groups.Select(group => $"{string.Join("+", group.Select(pair => pair.Key))} has {group.Key}"))}");
    }

    /// <summary>The current secret id of a class in each service that answers; a service that does not is no fault of the key.</summary>
    public static async Task<Dictionary<string, string>> HeldAsync(Deployment deployment, string classId, IReadOnlyList<string> roles, CancellationToken stop)
    {
        var held = new Dictionary<string, string>(StringComparer.Ordinal);
        var bearer = deployment.Services.Token(SecretFiles.MetricsBearer);
        var replies = await Task.WhenAll(roles.Select(role => deployment.Services.AskAsync(role, "/internal/keys", stop, bearer)));
        foreach (var (role, reply) in roles.Zip(replies))
        {
            if (reply.Status != 200) continue;
            using var document = JsonDocument.Parse(reply.Body);
            if (document.RootElement.TryGetProperty("classes", out var classes) && classes.TryGetProperty(classId, out var ring)
                && ring.TryGetProperty("current", out var current) && current.GetString() is { } sid) held[role] = sid;
        }

        return held;
    }

    // Only a key that no service has can be made; one that some have must be copied by whoever knows which is right.
    private static IReadOnlyList<Change> Generate(Deployment deployment, string variable, IReadOnlyList<string> roles)
    {
        var path = Path.Combine(deployment.SecretsFolder, SecretFiles.FileNameOf(variable));
        if (File.Exists(path) || roles.Any(role => deployment.Secret(role, variable) is not null)) return [];
        return
        [
            new Change(
                $"generate {path}",
                () => SecretFolder.Provision(deployment.SecretsFolder, SecretFiles.Generated.Where(file => file.Variable == variable))),
        ];
    }
}
