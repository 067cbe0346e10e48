using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.DecisionContract;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>H-POL-2: what the active policies say to somebody who does not exist. They are asked by the simulation, which changes nothing.</summary>
internal static class PermissiveChecks
{
    public static async Task<Finding> PolicyAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Services.Token(SecretFiles.AdminToken) is not { } token) return Finding.NotEvaluated($"{SecretFiles.AdminToken} is not set");
        var verdict = new Verdict();
        foreach (var id in await ApiLists.ZonesAsync(deployment, token, verdict, stop))
        {
            foreach (var set in await ApiLists.ReadAsync(deployment, $"/v1/zones/{id}/policy-sets", token, verdict, stop))
            {
                if ((string?)set["active_version_id"] is { } version) await AskAsync(id, $"/v1/zones/{id}/policy-sets/{set["id"]}/simulate", version);
            }
        }

        return verdict.Finding("no zone has an active policy set");

        async Task AskAsync(string zone, string path, string version)
        {
            var body = new JsonObject { ["version_id"] = version, ["input"] = Stranger(zone) }.ToJsonString();
            var reply = await deployment.Services.AskAsync(StackRoles.Api, path, stop, token, HttpMethod.Post, body);
            var explanation = reply.Status == 200 ? JsonNode.Parse(reply.Body)?["explanation"] : null;
            if ((string?)explanation?["evaluation"] != "executed") verdict.Unseen($"the policy of zone {zone} could not be asked");
            else if ((string?)explanation["decision"] == "deny") verdict.Ok("a stranger is denied");
            else verdict.Fail($"the policy of zone {zone} allows a principal, a resource and a scope that do not exist");
        }
    }

    private static JsonObject Stranger(string zone)
    {
        var name = RandomNumberGenerator.GetHexString(16, lowercase: true);
        return new JsonObject
        {
            ["schema_version"] = PolicyInput.SchemaVersion,
            ["principal"] = new JsonObject { ["type"] = "Application", ["id"] = name, ["zone_id"] = zone, ["registration_method"] = "managed", ["labels"] = new JsonArray() },
            ["resource"] = new JsonObject { ["type"] = "Resource", ["id"] = name, ["identifier"] = $"resource://{name}", ["scopes"] = new JsonArray($"{name}:write") },
            ["action"] = new JsonObject { ["id"] = "TokenExchange" },
            ["context"] = new JsonObject
            {
                ["actor_claims"] = new JsonObject(),
                ["subject_claims"] = new JsonObject(),
                ["challenge_resolved"] = false,
                ["requested_scopes"] = new JsonArray($"{name}:write"),
            },
        };
    }
}
