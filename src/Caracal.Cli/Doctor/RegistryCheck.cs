using System.Text.Json;
using Caracal.Cli.Hardening;
using Caracal.Cli.Hardening.Checks;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage.Rotations;

namespace Caracal.Cli.Doctor;

/// <summary>
/// D-KEY-7: the registry knows every key that services hold, and every key that they would start with; one that it does not
/// know, or knows as finished, stops the next start in rc and stable (operations.md 4.4).
/// </summary>
internal static class RegistryCheck
{
    private static readonly string[] Usable = ["active", "next", "previous"];

    private static readonly (string ClassId, string Variable)[] Keys =
    [
        (KeyClass.AuditHmac, SecretFiles.AuditHmacKey), (KeyClass.StreamsHmac, SecretFiles.StreamsHmacKey), (KeyClass.GatewayStsHmac, SecretFiles.GatewayStsHmacKey),
    ];

    public static async Task<Finding> InspectAsync(Deployment deployment, CancellationToken stop)
    {
        var held = Configured(deployment);
        foreach (var role in StackRoles.Services) await HeldAsync(deployment, role, held, stop);
        return await AuthorityChecks.AskAsync(
            deployment,
            async (_, connection, verdict) => Compare(held, await KeyRegistryStore.ListAsync(connection), verdict),
            stop);
    }

    // What the files would give the next start.
    private static HashSet<(string ClassId, string Sid, string Where)> Configured(Deployment deployment)
    {
        var held = new HashSet<(string, string, string)>();
        var secrets = deployment.Secrets(role: null);
        if (secrets.KekRing(required: false) is { } kek) held.Add((KeyClass.ZoneKek, kek.Current.SecretId, "configured"));
        foreach (var (classId, variable) in Keys)
        {
            if (secrets.HmacRing(variable, required: false) is { } ring) held.Add((classId, ring.SecretId, "configured"));
        }

        return held;
    }

    private static async Task HeldAsync(Deployment deployment, string role, HashSet<(string, string, string)> held, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(role, "/internal/keys", stop, deployment.Services.Token(SecretFiles.MetricsBearer));
        if (reply.Status != 200) return; // not there, or of another deployment: readiness tells
        try
        {
            using var document = JsonDocument.Parse(reply.Body);
            foreach (var ring in document.RootElement.GetProperty("classes").EnumerateObject())
            {
                if (ring.Value.GetProperty("current").GetString() is { } sid) held.Add((ring.Name, sid, $"held by {role}"));
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Something else answers there; it says nothing about keys.
        }
    }

    private static void Compare(HashSet<(string ClassId, string Sid, string Where)> held, IReadOnlyList<RegisteredKey> registry, Verdict verdict)
    {
        foreach (var (classId, sid, where) in held.OrderBy(key => key.ClassId, StringComparer.Ordinal))
        {
            var known = registry.Where(key => key.Class == classId && key.Scope.Length == 0).ToList();
            if (known.Count == 0) continue; // the first key of a class is adopted at start
            var state = known.FirstOrDefault(key => key.Sid == sid)?.State;
            if (state is null) verdict.Fail($"{classId} {sid}, {where}, is not registered");
            else if (!Usable.Contains(state, StringComparer.Ordinal)) verdict.Fail($"{classId} {sid}, {where}, is {state}");
            else verdict.Ok("every key is registered");
        }
    }
}
