using System.Text.RegularExpressions;
using Caracal.ControlPlane.OpenApi;

namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>What follows from the document alone: things and zones that are not there, fields that are not, queries that are none.</summary>
internal static partial class GenericRefusals
{
    // A body that is right but for what it names, where the empty object is not.
    public static readonly IReadOnlyDictionary<string, string> Bodies = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["createZone"] = """{"name":"made"}""",
        ["updateZone"] = """{"name":"changed"}""",
        ["createApplication"] = """{"name":"made","registration_method":"managed"}""",
        ["registerApplication"] = """{"name":"made"}""",
        ["updateApplication"] = """{"name":"changed"}""",
        ["createWorkload"] = """{"name":"made"}""",
        ["updateWorkload"] = """{"name":"changed"}""",
        ["createProvider"] = """{"name":"made","kind":"none"}""",
        ["updateProvider"] = """{"name":"changed"}""",
        ["stageCredential"] = """{"config_json":{"api_key":"k"}}""",
        ["discoverProvider"] = """{"issuer":"https://id.example"}""",
        ["createConnection"] = """{"provider_id":"missing","access_token":"t"}""",
        ["revokeConnection"] = """{"provider_id":"missing"}""",
        ["authorizeConnection"] = """{"provider_id":"missing"}""",
        ["createResource"] = """{"name":"made","upstream_url":"https://u.example","scopes":["a:b"],"credential_provider_id":"missing"}""",
        ["updateResource"] = """{"name":"changed"}""",
        ["createPolicy"] = $$"""{"name":"made","content":{{PolicyRefusals.Content}}}""",
        ["addPolicyVersion"] = $$"""{"content":{{PolicyRefusals.Content}}}""",
        ["createPolicySet"] = """{"name":"made"}""",
        ["addPolicySetVersion"] = """{"manifest":[{"policy_version_id":"missing"}]}""",
        ["simulatePolicySet"] = """{"version_id":"missing"}""",
        ["activatePolicySet"] = """{"version_id":"missing"}""",
        ["createGrant"] = """{"application_id":"missing","user_id":"u","resource_id":"missing","scopes":["a:b"]}""",
        ["createSubjectIssuer"] = """{"issuer":"https://i.example","jwks_url":"https://i.example/k","audience":"a"}""",
        ["updateSubjectIssuer"] = """{"audience":"b"}""",
        ["revokeSubject"] = """{"subject_id":"missing"}""",
        ["useKillSwitch"] = """{"subject_id":"missing"}""",
        ["createSink"] = """{"name":"made","url":"https://h.example"}""",
        ["updateSink"] = """{"name":"changed"}""",
        ["createAdminToken"] = """{"name":"made","scope":"global"}""",
        ["setAuditRetention"] = """{"retention_days":30}""",
        ["setMintRateLimit"] = """{"limit_per_minute":30}""",
        ["prepareRotation"] = RotationRefusals.Body("no-such", "sid_00000000000000b2"),
        ["advanceRotation"] = """{"to":"deployed"}""",
        ["rollBackRotation"] = """{"reason":"the tests go back"}""",
        ["abortRotation"] = """{"reason":"the tests go back"}""",
    };

    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var zone = await record.Api.ZoneAsync("Generic");
        foreach (var operation in DocumentedOperations.Load().All.Where(operation => operation.Path is not ("/v1/control/invoke" or "/v1/bootstrap")))
        {
            var inZone = operation.Path.Replace("{zoneId}", zone, StringComparison.Ordinal);
            var missing = Placeholder().Replace(inZone, "missing");
            var body = operation.Body is null ? null : Bodies.GetValueOrDefault(operation.Id, "{}");
            if (missing != inZone || operation.Method != "DELETE") await record.SendAsync(operation.Method, missing, body);
            if (operation.Path.Contains("{zoneId}", StringComparison.Ordinal)) await record.SendAsync(operation.Method, Placeholder().Replace(operation.Path, "missing"), body);
            if (operation.Body is not null)
            {
                foreach (var wrong in (string[])["{}", """{"surprise":1}""", """{"name":1}""", "[]"]) await record.SendAsync(operation.Method, missing, wrong);
            }

            if (operation.Query.Any(query => query.Name == "cursor"))
            {
                await record.SendAsync("GET", missing + "?limit=0");
                await record.SendAsync("GET", missing + "?cursor=e30");
            }

            if (operation.Query.Any(query => query.Name == "fields")) await record.SendAsync("GET", missing + "?fields=nothing");
        }
    }

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Placeholder();
}
