using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.Hardening;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Doctor;

/// <summary>
/// D-KEY-1: what a verifier that refuses mandates after a rotation needs to know: the issuer the STS writes, whether each
/// zone's JWKS answers and lists every key it should, since when the newest one signs, until when the one before is listed, and
/// whether every Gateway finds them.
/// </summary>
internal static class PublishedKeysCheck
{
    public static async Task<Finding> InspectAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Services.Token(SecretFiles.AdminToken) is not { } token) return Finding.NotEvaluated($"{SecretFiles.AdminToken} is not set");
        var verdict = new Verdict();
        var gateways = await GatewayKeys.FindAsync(deployment, stop);
        foreach (var id in await ApiLists.ZonesAsync(deployment, token, verdict, stop))
        {
            await IssuerAsync(deployment, id, verdict, stop);
            await KeysAsync(deployment, gateways, id, token, verdict, stop);
        }

        return verdict.Finding("there is no zone");
    }

    private static async Task IssuerAsync(Deployment deployment, string zone, Verdict verdict, CancellationToken stop)
    {
        var reply = await AskStsAsync(deployment, $"/.well-known/oauth-authorization-server/{Uri.EscapeDataString(zone)}", zone, verdict, stop);
        if (reply is null) return;
        var issuer = (string?)reply["issuer"];
        var configured = deployment.Setting(StackRoles.Sts, "ISSUER_URL");
        if (configured is not null && issuer != configured) verdict.Fail($"the STS writes the issuer {issuer}, ISSUER_URL is {configured}");
        else verdict.Ok($"issuer {issuer}");
    }

    private static async Task KeysAsync(Deployment deployment, GatewayKeys gateways, string zone, string token, Verdict verdict, CancellationToken stop)
    {
        var known = (await ApiLists.ReadAsync(deployment, $"/v1/zones/{zone}/keys", token, verdict, stop))
            .Where(key => (string?)key["state"] is "next" or "active" or "previous").ToList();
        if (await AskStsAsync(deployment, $"/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zone)}", zone, verdict, stop) is not { } jwks) return;
        var listed = jwks["keys"]?.AsArray().Select(key => (string?)key?["kid"]).ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var key in known.Where(key => !listed.Contains((string?)key["kid"])))
        {
            verdict.Fail($"the JWKS of zone {zone} does not list its {key["state"]} key {key["kid"]}");
        }

        var reach = await gateways.JudgeAsync(zone, [.. known.Select(key => (string)key["kid"]!)], verdict, stop);
        var ages = known.Where(key => (string?)key["state"] == "active" && key["activates_at"] is not null)
            .Select(key => Age(deployment.Time.GetUtcNow() - Time(key["activates_at"]!)));
        var overlaps = known.Where(key => (string?)key["state"] == "previous" && key["retires_at"] is not null)
            .Select(key => string.Create(CultureInfo.InvariantCulture, $", the key before until {Time(key["retires_at"]!):u}"));
        verdict.Ok($"zone {zone}: {listed.Count} keys listed{string.Concat(ages.Select(age => $", signing for {age}"))}{string.Concat(overlaps)}{reach}");
    }

    private static async Task<JsonNode?> AskStsAsync(Deployment deployment, string path, string zone, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Sts, path, stop);
        if (reply.Status == 200) return JsonNode.Parse(reply.Body);
        if (reply.Answered) verdict.Fail($"the STS answers {reply.Status} to {path.Split('?')[0]} of zone {zone}");
        else verdict.Unseen(reply.Body);
        return null;
    }

    private static DateTimeOffset Time(JsonNode time) => DateTimeOffset.Parse((string)time!, CultureInfo.InvariantCulture);

    private static string Age(TimeSpan age) =>
        age.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:F0} d") : string.Create(CultureInfo.InvariantCulture, $"{age.TotalMinutes:F0} min");
}
