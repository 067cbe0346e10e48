using System.Text.Json;
using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Policies, sets, their activation, replays and shadows.</summary>
internal static class PolicyRefusals
{
    /// <summary>A good policy as JSON text.</summary>
    public static readonly string Content = JsonSerializer.Serialize("# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n");

    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var zone = await record.Api.ZoneAsync("Policies");
        var policies = $"/v1/zones/{zone}/policies";
        var token = await record.Api.TokenAsync(zone);
        await record.PostAsync("/v1/policies/validate", """{"content":"x"}""");
        await record.PostAsync(policies, """{"name":"x","content":"x"}""");
        await record.PostAsync(policies, $$"""{"name":"caracal.sys/x","content":{{Content}}}""", token);
        var policy = await record.PostAsync(policies, $$"""{"name":"p","content":{{Content}}}""");
        await record.PostAsync(policies, $$"""{"name":"p","content":{{Content}}}""");
        await record.PostAsync($"{policies}/{policy.Get("id")}/versions", """{"content":"x"}""");
        var reserved = await record.MakeAsync(policies, $$"""{"name":"caracal.sys/x","content":{{Content}}}""");
        await record.PostAsync($"{policies}/{reserved}/versions", $$"""{"content":{{Content}}}""", token);

        var sets = $"/v1/zones/{zone}/policy-sets";
        var set = $"{sets}/{await record.MakeAsync(sets, """{"name":"s"}""")}";
        await record.PostAsync(sets, """{"name":"s"}""");
        await record.PostAsync($"{set}/versions", """{"manifest":[{"policy_version_id":"missing"}]}""");
        var manifest = $$"""{"manifest":[{"policy_version_id":"{{policy.Get("version_id")}}"}]}""";
        await record.PostAsync($"{set}/rollback", "{}");
        await record.SendAsync("GET", $"{set}/versions/missing");
        await record.SendAsync("GET", $"{set}/activation-status");
        await record.SendAsync("GET", $"{set}/activation-status?version_id=missing");
        var one = await record.MakeAsync($"{set}/versions", manifest);
        await record.SendAsync("GET", $"{set}/versions/{one}/diff");
        await record.PostAsync($"{set}/simulate", """{"version_id":"missing"}""");
        await ProofsAsync(record, set, manifest, one);
        await HistoryAsync(record, zone, set, manifest, one);
        await AsideAsync(record, zone, set, one);
    }

    private static async Task ProofsAsync(RefusalRecord record, string set, string manifest, string version)
    {
        var good = record.Api.Runtime.Simulation;
        record.Api.Runtime.Simulation = new(SimulationVerdict.Rejected, null, "no");
        await record.PostAsync($"{set}/versions", manifest);
        await record.PostAsync($"{set}/activate", $$"""{"version_id":"{{version}}"}""");
        record.Api.Runtime.Simulation = new(SimulationVerdict.Unreachable, null, "no answer");
        await record.PostAsync($"{set}/versions", manifest);
        record.Api.Runtime.Simulation = good;
    }

    private static async Task HistoryAsync(RefusalRecord record, string zone, string set, string manifest, string one)
    {
        await record.PostAsync($"{set}/activate", """{"version_id":"missing"}""");
        await record.PostAsync($"{set}/activate", $$"""{"version_id":"{{one}}"}""");
        await record.SendAsync("GET", $"{set}/versions/missing/diff");
        await record.PostAsync($"{set}/rollback", "{}");
        await record.PostAsync($"{set}/rollback", """{"version_id":"missing"}""");
        var two = await record.MakeAsync($"{set}/versions", manifest);
        await record.PostAsync($"{set}/rollback", $$"""{"version_id":"{{two}}"}""");
        await record.PostAsync($"{set}/activate", $$"""{"version_id":"{{two}}"}""");
        record.Api.Runtime.Simulation = record.Api.Runtime.Simulation with { Verdict = SimulationVerdict.Rejected };
        await record.PostAsync($"{set}/rollback", "{}");
        record.Api.Runtime.Simulation = record.Api.Runtime.Simulation with { Verdict = SimulationVerdict.Executed };

        // A set whose binding a database lost.
        var sets = $"/v1/zones/{zone}/policy-sets";
        var unbound = $"{sets}/{await record.MakeAsync(sets, """{"name":"unbound"}""")}";
        var version = await record.MakeAsync($"{unbound}/versions", manifest);
        await record.Api.ExecuteAsync($"DELETE FROM policy_set_bindings WHERE policy_set_id = '{unbound.Split('/')[^1]}'");
        await record.PostAsync($"{unbound}/activate", $$"""{"version_id":"{{version}}"}""");
        await record.SendAsync("GET", $"{unbound}/activation-status");
    }

    private static async Task AsideAsync(RefusalRecord record, string zone, string set, string version)
    {
        foreach (var word in (string[])["replay", "shadow"])
        {
            await record.PostAsync($"{set}/versions/missing/{word}", "{}");
            Assert.Equal(202, (await record.PostAsync($"{set}/versions/{version}/{word}", "{}")).Status);
        }

        await record.PostAsync($"{set}/versions/{version}/shadow", "{}");

        // Some of those that ask at the same time find another one running.
        for (var i = 0; i < 100 && !record.Seen.Contains("replayPolicySet 409 replay_in_progress"); i++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => record.Api.PostAsync($"{set}/versions/{version}/replay", "{}")));
            if (replies.FirstOrDefault(reply => reply.Status == 409) is { } refused) record.Seen.Add($"replayPolicySet 409 {refused.Error}");
        }

        var broken = await BrokenAsync(record, zone, version);
        foreach (var word in (string[])["replay", "shadow"]) await record.PostAsync($"{set}/versions/{broken}/{word}", "{}");
    }

    // As a database holds it that somebody else wrote: two policies that both decide.
    private static async Task<string> BrokenAsync(RefusalRecord record, string zone, string version)
    {
        var ids = new List<string>();
        foreach (var name in (string[])["first", "second"])
        {
            var custom = JsonSerializer.Serialize("package caracal.authz\nimport rego.v1\ndefault result := {\"decision\": \"deny\", \"evaluation_status\": \"complete\"}\n");
            ids.Add((await record.PostAsync($"/v1/zones/{zone}/policies", $$"""{"name":"{{name}}","content":{{custom}}}""")).Get("version_id"));
        }

        var manifest = $"[{string.Join(',', ids.Select(id => $$"""{"policy_version_id":"{{id}}"}"""))}]";
        await record.Api.ExecuteAsync(
            $"INSERT INTO policy_set_versions (id, policy_set_id, version, manifest_json, manifest_sha256, schema_version, created_by, created_at) SELECT 'broken', policy_set_id, 99, '{manifest}', 'x', schema_version, created_by, created_at FROM policy_set_versions WHERE id = '{version}'");
        return "broken";
    }
}
