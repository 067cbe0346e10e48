using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary><c>POST …/policy-sets/{id}/simulate</c>: what a version would decide. Changes nothing.</summary>
internal sealed class SimulatePolicySet(Database database, IPolicyRuntime? runtime, ControlPlaneSettings settings)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var versionId = fields.Text("version_id", 1, 128);
        var input = fields.IsNull("input") ? null : fields.Object("input");
        if (fields.Problem() is { } problem) return problem;
        var (set, version) = await database.ReadSnapshotAsync(
            async connection => (
                await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id),
                await PolicySetStore.FindVersionAsync(connection, call.Id, versionId)),
            call.Cancelled);
        if (set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (version is null) return ControlPlaneErrors.PolicySetVersionNotFound;
        var ids = PolicyBundle.IdsOf(version.ManifestJson);
        var bundle = await database.ReadAsync(connection => PolicyBundle.LoadAsync(connection, database.Dialect, call.ZoneId, ids, settings.CustomRego), call.Cancelled);
        if (bundle.Refusal is not null) return bundle.Refusal;

        var warnings = input is { } sent ? InputWarnings(sent, call.ZoneId) : [];
        var wouldActivate = warnings.Count == 0;
        var outcome = input is null ? null : await SimulateAsync(set.Id, version, bundle.Policies, input.Value, call.Cancelled);
        if (outcome is { Verdict: not SimulationVerdict.Executed })
        {
            warnings.Add(outcome.Verdict == SimulationVerdict.Rejected
                ? $"sts_simulation_failed:{outcome.Reason}"
                : $"sts_simulation_unreachable:{outcome.Reason}");
        }

        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteBoolean("dry_run", true);
            writer.WriteBoolean("would_activate", wouldActivate);
            writer.WriteString("policy_set_id", set.Id);
            writer.WriteString("version_id", version.Id);
            writer.WriteString("schema_version", version.SchemaVersion);
            writer.WriteString("input_schema_version", PolicyContent.SchemaVersion);
            writer.WriteString("manifest_sha256", version.ManifestSha256);
            writer.Texts("policies", ids);
            writer.Texts("warnings", warnings);
            WriteOutcome(writer, version, input is not null, outcome);
        }));
    }

    private async Task<PolicySimulationOutcome> SimulateAsync(
        string policySetId, PolicySetVersionRow version, IReadOnlyList<PolicySource> policies, JsonElement input, CancellationToken cancellationToken) =>
        runtime is null
            ? new PolicySimulationOutcome(SimulationVerdict.Unreachable, null, "not_configured")
            : await runtime.SimulateAsync(
                new PolicySimulation(policySetId, version.Id, version.ManifestSha256, policies, input.GetRawText()), cancellationToken);

    private static List<string> InputWarnings(JsonElement input, string zoneId)
    {
        var warnings = new List<string>();
        if (input.TryGetProperty("schema_version", out var version) && version.ToString() is { Length: > 0 } text && text != PolicyContent.SchemaVersion)
        {
            warnings.Add($"input_schema_mismatch:{text}");
        }

        if (input.TryGetProperty("principal", out var principal) && principal.ValueKind == JsonValueKind.Object
            && principal.TryGetProperty("zone_id", out var zone) && zone.ToString() != zoneId)
        {
            warnings.Add("principal_zone_mismatch");
        }

        foreach (var member in (ReadOnlySpan<string>)["resource", "action", "context"])
        {
            if (!input.TryGetProperty(member, out var value) || value.ValueKind != JsonValueKind.Object) warnings.Add($"missing_{member}");
        }

        return warnings;
    }

    private static void WriteOutcome(Utf8JsonWriter writer, PolicySetVersionRow version, bool hasInput, PolicySimulationOutcome? outcome)
    {
        var executed = outcome is { Verdict: SimulationVerdict.Executed, ResultJson: not null };
        writer.WriteStartObject("explanation");
        writer.WriteString("evaluation", executed ? "executed" : hasInput ? "failed" : "not_executed");
        writer.WriteString("reason", executed ? "evaluated" : hasInput ? outcome?.Reason ?? "" : "no_input");
        if (executed)
        {
            using var result = JsonDocument.Parse(outcome!.ResultJson!);
            if (result.RootElement.TryGetProperty("decision", out var decision)) writer.WriteString("decision", decision.GetString());
            writer.WriteString("policy_set_version_id", version.Id);
            writer.WriteString("manifest_sha256", version.ManifestSha256);
        }

        writer.WriteEndObject();
        writer.WritePropertyName("result");
        if (executed) writer.WriteRawValue(outcome!.ResultJson!);
        else writer.WriteNullValue();
    }
}
