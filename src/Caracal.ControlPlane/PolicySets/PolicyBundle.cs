using System.Data.Common;
using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Protocol;
using Caracal.Protocol.PolicyRuntime;
using Caracal.Storage;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>The policies a manifest names, held against the manifest contract (api.md 10).</summary>
internal sealed record PolicyBundle(IReadOnlyList<PolicySource> Policies, Refusal? Refusal)
{
    /// <summary>No duplicates; all exist, in this zone, under one supported schema; each passes the validator; at most one decision policy.</summary>
    public static async Task<PolicyBundle> LoadAsync(DbConnection connection, ISqlDialect dialect, string zoneId, IReadOnlyList<string> ids, bool customAllowed)
    {
        if (ids.Distinct(StringComparer.Ordinal).Count() != ids.Count) return Refused("the manifest names a policy version twice");
        var rows = (await PolicyStore.FindVersionsAsync(connection, dialect, ids)).ToDictionary(row => row.Id, StringComparer.Ordinal);
        if (ids.FirstOrDefault(id => !rows.TryGetValue(id, out var row) || row.ZoneId != zoneId) is { } missing)
        {
            return Refused($"policy version {missing} does not exist in this zone");
        }

        var custom = 0;
        foreach (var row in rows.Values)
        {
            if (row.SchemaVersion != PolicyContent.SchemaVersion) return Refused($"policy version {row.Id} has an unsupported schema");
            var verdict = PolicyContent.Validate(row.Content, customAllowed);
            if (verdict.Preview is null) return Refused($"policy version {row.Id}: {verdict.Code}");
            custom += verdict.Preview.Custom ? 1 : 0;
        }

        return custom > 1
            ? new PolicyBundle([], ControlPlaneErrors.InvalidPolicyBundle.With("a manifest holds at most one decision policy"))
            : new PolicyBundle([.. ids.Select(id => new PolicySource(id, rows[id].Content))], null);
    }

    /// <summary>The version ids of a stored manifest, in order.</summary>
    public static IReadOnlyList<string> IdsOf(JsonText manifest)
    {
        using var document = JsonDocument.Parse(manifest.Value);
        return [.. document.RootElement.EnumerateArray().Select(entry => entry.GetProperty("policy_version_id").GetString()!)];
    }

    private static PolicyBundle Refused(string why) => new([], ControlPlaneErrors.InvalidPolicyContract.With(why));
}
