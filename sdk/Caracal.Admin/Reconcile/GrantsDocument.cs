using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Caracal.Admin;

/// <summary>The policy text of a set of grants: the same grants give the same bytes (sdk.md 9).</summary>
public static class GrantsDocument
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="ArgumentException">Two applications on one resource.</exception>
    public static string Write(IReadOnlyList<Grant> grants)
    {
        var byResource = grants.GroupBy(grant => grant.ResourceIdentifier, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal).ToList();
        foreach (var group in byResource)
        {
            if (group.Select(grant => grant.ApplicationId).Distinct(StringComparer.Ordinal).Count() > 1) throw new ArgumentException($"{group.Key} is granted to two applications", nameof(grants));
        }

        var ids = Json(writer =>
        {
            writer.WriteStartObject();
            foreach (var id in grants.Select(grant => grant.ApplicationId).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) writer.WriteString(id, id);
            writer.WriteEndObject();
        });
        var granted = Json(writer =>
        {
            writer.WriteStartObject();
            foreach (var group in byResource) WriteResource(writer, group.Key, [.. group]);
            writer.WriteEndObject();
        });
        return $"# caracal:data-document\npackage caracal.authz\nimport rego.v1\napp_ids := {ids}\ngrants := {granted}\n";
    }

    private static void WriteResource(Utf8JsonWriter writer, string resource, List<Grant> grants)
    {
        writer.WriteStartObject(resource);
        writer.WriteString("application", grants[0].ApplicationId);
        writer.WriteStartObject("roles");
        foreach (var role in grants.GroupBy(grant => grant.Role ?? grant.ApplicationId, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            writer.WriteStartArray(role.Key);
            foreach (var scope in role.SelectMany(grant => grant.Scopes).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) writer.WriteStringValue(scope);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain)) write(writer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
