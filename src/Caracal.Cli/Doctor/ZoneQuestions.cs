using System.Text.Json.Nodes;
using Caracal.Cli.Hardening;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Doctor;

/// <summary>Whether zones can be looked up, have what a governed call needs, and whether their evidence can be read (operations.md 5.1, zones).</summary>
internal static class ZoneQuestions
{
    public static IReadOnlyList<DoctorCheck> All { get; } =
    [
        new("zones", "lookup and resources", "Make a zone and its resources, or name another: --zone.", (deployment, stop) => EachAsync(deployment, ResourcesAsync, stop)),
        new("zones", "audit query", "See whether Audit runs, and whether the admin token may read its events.", (deployment, stop) => EachAsync(deployment, AuditAsync, stop)),
    ];

    private static async Task<Finding> EachAsync(Deployment deployment, Func<Deployment, string, string, Verdict, CancellationToken, Task> look, CancellationToken stop)
    {
        if (deployment.Services.Token(SecretFiles.AdminToken) is not { } token) return Finding.NotEvaluated($"{SecretFiles.AdminToken} is not set");
        var verdict = new Verdict();
        foreach (var zone in await ApiLists.ZonesAsync(deployment, token, verdict, stop)) await look(deployment, zone, token, verdict, stop);
        return verdict.Finding("there is no zone");
    }

    private static async Task ResourcesAsync(Deployment deployment, string zone, string token, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Api, $"/v1/zones/{zone}/resources?limit=1", stop, token);
        if (!reply.Answered) verdict.Unseen(reply.Body);
        else if (reply.Status != 200) verdict.Fail($"the API answers {reply.Status} to the resources of zone {zone}");
        else if (JsonNode.Parse(reply.Body)?["items"] is JsonArray { Count: 0 }) verdict.Warn($"zone {zone} has no resource: nothing can be called");
        else verdict.Ok($"zone {zone} has resources");
    }

    private static async Task AuditAsync(Deployment deployment, string zone, string token, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Api, $"/v1/zones/{zone}/audit?limit=1", stop, token);
        if (reply.Status == 200) verdict.Ok($"the events of zone {zone} can be read");
        else if (reply.Answered) verdict.Fail($"the API answers {reply.Status} to a query of zone {zone}'s events");
        else verdict.Unseen(reply.Body);
    }
}
