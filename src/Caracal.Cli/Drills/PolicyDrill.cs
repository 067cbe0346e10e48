using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Stack;

namespace Caracal.Cli.Drills;

/// <summary>A document that cannot be used becomes the active policy: it permits nothing, and one call goes back (sts.md 10.1).</summary>
internal static class PolicyDrill
{
    private const string CompileErrors = "caracal_sts_opa_compile_errors_total";

    // A document by its form, whose rule names something that does not exist.
    private const string Broken = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {\"a\": nobody}\n";

    public static Drill Bad { get; } = new("bad-policy", "a policy document that cannot be used becomes active", "CaracalSTSOPACompileErrors", BreakAsync, WatchAsync, MendAsync);

    // The API takes no such text; it comes into the store behind its back.
    private static async Task BreakAsync(DrillRun run)
    {
        run.Held = await Held.TakeAsync(run, StackRoles.Sts, CompileErrors);
        var refused = await run.System.ApiAsync(HttpMethod.Post, "/policies", JsonSerializer.Serialize(new { name = "broken", content = Broken }), run.Stop);
        run.Expect("the API refuses a policy that does not compile", refused.Status is 400 or 422, $"API {refused.Status} {refused["error"]}");
        var policy = (await run.System.ApiAsync(HttpMethod.Post, "/policies", JsonSerializer.Serialize(new { name = Name("drill"), content = Document(run) }), run.Stop)).Require("policy");
        var (set, _) = await SetAsync(run);
        var manifest = JsonSerializer.Serialize(new { manifest = new[] { new { policy_version_id = policy["version_id"] } } });
        var version = (await run.System.ApiAsync(HttpMethod.Post, $"/policy-sets/{set}/versions", manifest, run.Stop)).Require("version");
        await run.System.SqlAsync(
            "SET LOCAL session_replication_role = replica; UPDATE policy_versions SET content = @content, content_sha256 = @hash WHERE id = @id",
            new { content = Broken, hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Broken))), id = policy["version_id"] }, run.Stop);
        var (_, active) = await SetAsync(run);
        run.Remembered = active;
        await run.System.SqlAsync(
            "UPDATE policy_set_bindings SET active_version_id = @version WHERE zone_id = @zone", new { version = version["version_id"], zone = run.System.Zone.ZoneId }, run.Stop);
    }

    private static async Task WatchAsync(DrillRun run)
    {
        await run.RaisesAsync(StackRoles.Sts, CompileErrors, run.Held!.Figure);
        var mint = await run.System.MintAsync(run.System.Authority, GovernedScopes.Read, run.Stop);
        run.Expect("what cannot be used permits nothing", mint.Status == 403, $"mint {mint.Status} {mint["error"]}");
    }

    private static async Task MendAsync(DrillRun run)
    {
        var (set, _) = await SetAsync(run);
        var back = await run.System.ApiAsync(HttpMethod.Post, $"/policy-sets/{set}/activate", JsonSerializer.Serialize(new { version_id = run.Remembered }), run.Stop);
        run.Expect("the version before is activated", back.IsSuccess, $"API {back.Status} {back["error"]}");
        if (!back.IsSuccess) return;
        await run.WithinAsync("the STS has loaded it", async () =>
        {
            var status = await run.System.Client.ApiAsync(HttpMethod.Get, back["status_url"], run.System.Fleet.Files.AdminToken, null, run.Stop);
            return (status["propagation_status"] == "loaded", status["propagation_status"]);
        });
    }

    private static async Task<(string Set, string Active)> SetAsync(DrillRun run)
    {
        var sets = (await run.System.ApiAsync(HttpMethod.Get, "/policy-sets", null, run.Stop)).Require("policy sets");
        var set = sets.Body.GetProperty("items")[0];
        return (set.GetProperty("id").GetString()!, set.GetProperty("active_version_id").GetString()!);
    }

    private static string Name(string name) => $"{name}-{TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}";

    private static string Document(DrillRun run) =>
        $$"""
        # caracal:data-document
        package caracal.authz
        import rego.v1
        app_ids := {"assistant": {{JsonSerializer.Serialize(run.System.Zone.ApplicationId)}}}
        grants := {}

        """;
}
