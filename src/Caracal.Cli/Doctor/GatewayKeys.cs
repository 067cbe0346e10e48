using Caracal.Cli.Hardening;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Doctor;

/// <summary>
/// D-KEY-1 from the other side: whether every Gateway that lives finds the keys that a zone publishes, the way it finds them to
/// verify a mandate. One that cannot reach the STS's JWKS refuses every mandate of a new key.
/// </summary>
internal sealed class GatewayKeys(Deployment deployment, IReadOnlyList<(string Name, Uri? Address)> gateways)
{
    /// <summary>The Gateways by their heartbeats; the one that the variables name where nobody told.</summary>
    public static async Task<GatewayKeys> FindAsync(Deployment deployment, CancellationToken stop)
    {
        var live = (await LiveInstances.ListAsync(deployment, stop)).Where(instance => instance.Service == StackRoles.Gateway)
            .Select(instance => (instance.Name, instance.Address)).ToList();
        return new GatewayKeys(deployment, live.Count > 0 ? live : [(StackRoles.Gateway, deployment.Services.Find(StackRoles.Gateway))]);
    }

    /// <summary>How many know all of a zone's published keys, and how old the oldest copy is.</summary>
    public async Task<string> JudgeAsync(string zone, IReadOnlyList<string> keyIds, Verdict verdict, CancellationToken stop)
    {
        var (knowing, oldest) = (0, -1L);
        foreach (var (name, address) in gateways)
        {
            var all = true;
            foreach (var keyId in keyIds)
            {
                if (await FindAsync(name, address, zone, keyId, verdict, stop) is { } age) oldest = Math.Max(oldest, age);
                else all = false;
            }

            if (all) knowing++;
        }

        return $", known to {knowing} of {gateways.Count} Gateways{(oldest >= 0 ? $", fetched {oldest} s ago" : "")}";
    }

    // The age of its copy, -1 where it keeps none; null when it does not know the key or does not tell.
    private async Task<long?> FindAsync(string name, Uri? address, string zone, string keyId, Verdict verdict, CancellationToken stop)
    {
        if (address is null)
        {
            verdict.Unseen($"{name} does not say where it listens");
            return null;
        }

        var reply = await deployment.Services.AskAtAsync(
            name, address, $"/internal/zones/{Uri.EscapeDataString(zone)}/keys/{Uri.EscapeDataString(keyId)}", stop, deployment.Services.Token(SecretFiles.MetricsBearer));
        if (reply.Status != 200 || LiveServices.Json(reply.Body) is not { } told)
        {
            verdict.Unseen(reply.Answered ? $"{name} answers {reply.Status} when asked for its keys" : reply.Body);
            return null;
        }

        if ((bool?)told["found"] == true) return (long?)told["age_seconds"] ?? -1;
        verdict.Fail($"{name} does not find key {keyId} of zone {zone}");
        return null;
    }
}
