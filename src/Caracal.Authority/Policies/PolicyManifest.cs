using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;

namespace Caracal.Authority.Policies;

/// <summary>The list of policy versions that make up a set version, and its hash (sts.md 10.1).</summary>
public static class PolicyManifest
{
    /// <summary>What status and audit name when a zone has no active set.</summary>
    public const string NoActiveSet = "no_active_policy_set";

    /// <summary>Lower-case hex SHA-256 of the compact JSON: the given order, only the key <c>policy_version_id</c>.</summary>
    public static string Hash(IReadOnlyList<string> policyVersionIds)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            for (var i = 0; i < policyVersionIds.Count; i++)
            {
                writer.WriteStartObject();
                writer.WriteString("policy_version_id"u8, policyVersionIds[i]);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    /// <summary>The ids of a stored manifest; null when it is no list of entries with an id.</summary>
    public static ImmutableArray<string>? TryRead(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var ids = ImmutableArray.CreateBuilder<string>(document.RootElement.GetArrayLength());
            foreach (var entry in document.RootElement.EnumerateArray())
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
        catch (JsonException)
        {
            return null;
        }
    }
}
