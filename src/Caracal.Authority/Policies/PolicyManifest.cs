using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Caracal.Authority.Policies;

/// <summary>The ordered policy versions of a policy-set version and the hash that pins them (api.md 10, sts.md 10.1).</summary>
public static class PolicyManifest
{
    /// <summary>Compact JSON <c>[{"policy_version_id":"…"},…]</c> in the given order.</summary>
    public static string ToJson(IReadOnlyList<string> policyVersionIds)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var id in policyVersionIds)
            {
                writer.WriteStartObject();
                writer.WriteString("policy_version_id", id);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Lower-case hex SHA-256 of the compact JSON.</summary>
    public static string Sha256(string json) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)));
}
