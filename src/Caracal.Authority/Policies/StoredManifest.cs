using System.Collections.Immutable;
using System.Text.Json;

namespace Caracal.Authority.Policies;

/// <summary>Reads and checks the stored manifest of a policy-set version (sts.md 10.1).</summary>
public static class StoredManifest
{
    /// <summary>What status and audit name when a zone has no active set.</summary>
    public const string NoActiveSet = "no_active_policy_set";

    /// <summary>The policy version ids in order; null when the text is no manifest or does not have the hash.</summary>
    public static ImmutableArray<string>? TryRead(string json, string sha256)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Ids(document.RootElement) is { } ids && PolicyManifest.Sha256(PolicyManifest.ToJson(ids)) == sha256 ? ids : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ImmutableArray<string>? Ids(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var ids = ImmutableArray.CreateBuilder<string>(root.GetArrayLength());
        foreach (var entry in root.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object
                || !entry.TryGetProperty("policy_version_id"u8, out var id)
                || id.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            ids.Add(id.GetString()!);
        }

        return ids.ToImmutable();
    }
}
